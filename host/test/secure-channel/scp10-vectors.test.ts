// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { verifyCardCertificate } from '../../crypto/card-certificate.ts';
import { CHA } from '../../wire/gp/certificate.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { answer, answersTo, apdusOf, channelOf, levelOf, plainOf, type Transcript, transcripts } from './transcript.ts';

const OPENING = ['MSE SET', 'PSO VERIFY CERTIFICATE', 'PSO DECIPHER', 'GET CHALLENGE'];
const AUTHENTICATION = ['EXTERNAL AUTHENTICATE', 'INTERNAL AUTHENTICATE'];
/** The transcripts call MSE by its longer name. */
const named = (transcript: Transcript): Transcript => ({
  ...transcript,
  initiation: transcript.initiation.flatMap((step) =>
    step.name === 'MSE SET' ? [step, { ...step, name: 'MANAGE SECURITY ENVIRONMENT' }] : [step],
  ),
});

describe('SCP10 transcripts', () => {
  const keyTransport = transcripts('02').map(named);
  const keyAgreement = transcripts('01').map(named);

  it('are all there: four levels and two key sizes for i=02, two key sizes for i=01', () => {
    expect(keyTransport.map(levelOf)).to.deep.equal([0x01, 0x03, 0x11, 0x33, 0x01, 0x03, 0x11, 0x33]);
    expect(keyAgreement.map(levelOf)).to.deep.equal([0x33, 0x33]);
  });

  for (const transcript of keyTransport) {
    it(`${transcript.file}: every command byte, all in two scripts`, async () => {
      const channel = channelOf(transcript);
      const opening = channel.prepare();
      expect(opening.flatMap(({ apdus }) => apdus)).to.deep.equal(apdusOf(transcript, ...OPENING));

      const samples = transcript.secureMessaging;
      const script = await channel.authenticate(answersTo(transcript, opening), samples.map(plainOf));
      expect(script.slice(0, 2).flatMap(({ apdus }) => apdus)).to.deep.equal(apdusOf(transcript, ...AUTHENTICATION));
      expect(script.slice(2).flatMap(({ apdus }) => apdus)).to.deep.equal(samples.map(({ wrapped }) => wrapped));

      const answers = [
        ...answersTo(transcript, script.slice(0, 2)),
        ...samples.map(({ wrappedResponse }) => answer(wrappedResponse)),
      ];
      expect(await channel.unwrap(answers)).to.deep.equal(samples.map(({ response }) => answer(response)));
      expect(channel.state).to.equal('open');
    });

    it(`${transcript.file}: the same one command at a time`, async () => {
      const channel = channelOf(transcript);
      const script = await channel.authenticate(answersTo(transcript, channel.prepare()), []);
      expect(await channel.unwrap(answersTo(transcript, script))).to.deep.equal([]);
      for (const sample of transcript.secureMessaging) {
        expect(channel.wrap([plainOf(sample)]).flatMap(({ apdus }) => apdus)).to.deep.equal([sample.wrapped]);
        expect(await channel.unwrap([answer(sample.wrappedResponse)])).to.deep.equal([answer(sample.response)]);
      }
    });
  }

  for (const transcript of keyAgreement) {
    it(`${transcript.file}: every command byte`, async () => {
      const channel = channelOf(transcript);
      const opening = channel.prepare();
      expect(opening.flatMap(({ apdus }) => apdus)).to.deep.equal(apdusOf(transcript, ...OPENING));
      const script = await channel.authenticate(answersTo(transcript, opening), []);
      expect(script.flatMap(({ apdus }) => apdus)).to.deep.equal(apdusOf(transcript, ...AUTHENTICATION));
      await channel.unwrap(answersTo(transcript, script));

      const samples = transcript.secureMessaging;
      expect(channel.wrap(samples.map(plainOf)).flatMap(({ apdus }) => apdus)).to.deep.equal(
        samples.map(({ wrapped }) => wrapped),
      );
      expect(await channel.unwrap(samples.map(({ wrappedResponse }) => answer(wrappedResponse)))).to.deep.equal(
        samples.map(({ response }) => answer(response)),
      );
    });
  }

  for (const transcript of [...keyTransport, ...keyAgreement]) {
    it(`${transcript.file}: both certificates verify against the trust point`, () => {
      const { n, e } = transcript.keys.trustPoint;
      const anchor = {
        holderReference: fromHex(transcript.trustPointReference),
        publicKey: { modulus: fromHex(n), exponent: fromHex(e) },
      };
      const sd = verifyCardCertificate(fromHex(transcript.certificates.sd), anchor, CHA.SECURITY_DOMAIN);
      expect(toHex(sd.publicKey.modulus)).to.equal(transcript.keys.sd.n);
      const oce = verifyCardCertificate(fromHex(transcript.certificates.oce), anchor, CHA.OFF_CARD_ENTITY);
      expect(toHex(oce.publicKey.modulus)).to.equal(transcript.keys.oce.n);
    });
  }
});

// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { sharedSimulator } from '../../../simulator/src/index.ts';
import { CertificateError, NotFoundError, SecureChannelError, StatusWordError } from '../../errors.ts';
import type { CardChannel } from '../../transport/card-channel.ts';
import { runScript } from '../../transport/script-runner.ts';
import { aid, aidToHex } from '../../wire/gp/aid.ts';
import { decodeCertificate } from '../../wire/gp/certificate.ts';
import { type GpCommand, responseData, toCardCommand, toPlainCommand } from '../../wire/gp/command.ts';
import { decodePublicKey, generateKeyPair, readPublicKey } from '../../wire/gp/generate-key-pair.ts';
import { getAttestation } from '../../wire/gp/get-attestation.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import { installForPersonalization, installSecurityDomain } from '../../wire/gp/install.ts';
import { KEY_REFERENCE, keyReferenceToHex } from '../../wire/gp/key-reference.ts';
import { fromRsaPublicKey, toRsaPublicKey } from '../../wire/gp/public-key.ts';
import { putCertificate, putPublicKeyExtended } from '../../wire/gp/put-key.ts';
import { select } from '../../wire/gp/select.ts';
import { storeCertificate } from '../../wire/gp/store-data.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import type { RsaPublicKey } from '../../wire/message/common.ts';
import { failure } from '../transport/framed-card.ts';
import { channelTo, openWorld, TestFolder, type TestPlatform } from './fixture.ts';

const SSD = aid('F06F70656E74736D1000000001');
const CASD = aid('A00000015153504341534400');

/** Sends plain commands in clear; all must be answered 9000. */
async function inClear(card: CardChannel, ...commands: GpCommand[]): Promise<Uint8Array[]> {
  const { responses } = await runScript(card, commands.map(toCardCommand));
  return commands.map((command, index) => responseData(command, responses[index]));
}

interface Session {
  readonly platform: TestPlatform;
  readonly card: CardChannel;
  readonly channelId: string;
}

async function open(
  platform: TestPlatform,
  card: CardChannel,
  target: { key: RsaPublicKey; keyReference: string; level: string },
  commands: GpCommand[],
): Promise<{ session: Session; plain: CardResponse[] }> {
  const { kms, label, certificate } = platform;
  const opening = await kms.openSecureChannel({
    protocol: 'scp10',
    options: '02',
    securityLevel: target.level,
    offCardEntityLabel: label,
    certificates: [certificate],
    securityDomainKey: target.key,
    keyReference: target.keyReference,
  });
  const { channelId } = opening;
  const { responses } = await runScript(card, opening.commands);
  const script = await kms.authenticate(channelId, { responses, commands: commands.map(toPlainCommand) });
  const outcome = await runScript(card, script.commands);
  const plain = await kms.unwrap(channelId, { responses: outcome.responses });
  return { session: { platform, card, channelId }, plain: plain.responses };
}

async function send({ platform, card, channelId }: Session, ...commands: GpCommand[]): Promise<CardResponse[]> {
  const script = await platform.kms.wrap(channelId, { commands: commands.map(toPlainCommand) });
  const { responses } = await runScript(card, script.commands);
  return (await platform.kms.unwrap(channelId, { responses })).responses;
}

describe('KMS with a card', function () {
  this.timeout(180_000);

  for (const [level, keySizeBits] of [
    ['01', 1024],
    ['03', 1024],
    ['11', 1024],
    ['13', 1024],
    ['33', 1024],
    ['33', 2048],
    ['33', 3072],
  ] as const) {
    it(`distributes an RSA-${keySizeBits} key at level ${level}: issuer makes the SSD, provider takes it over with attestation`, async () => {
      await using folder = await TestFolder.make();
      const { issuer, provider, made } = await openWorld(folder.path, keySizeBits);
      const simulator = await sharedSimulator();
      await using simulated = await simulator.insert(made.image);
      const card = channelTo(simulated);
      const authority = await provider.kms.certificateAuthority();
      const { holderReference, publicKey: trustPoint } = authority;
      const wanted = {
        trustPoint: { holderReference, publicKey: trustPoint },
        applicationProviderId: provider.holderReference,
      };

      await inClear(card, select(aid(made.isdAid)));
      const isd = { key: made.isdPublicKey, keyReference: made.isdKeyReference, level };
      const { plain } = await open(issuer, card, isd, [
        installSecurityDomain({ instance: SSD, applicationProviderId: fromHex(provider.holderReference), keySizeBits }),
        installForPersonalization(SSD),
        generateKeyPair(KEY_REFERENCE.INITIAL_KEY_PAIR, keySizeBits),
        putPublicKeyExtended(
          KEY_REFERENCE.TRUST_POINT,
          fromRsaPublicKey(trustPoint),
          fromHex(authority.holderReference),
        ),
      ]);
      expect(plain.map(({ sw }) => sw)).to.deep.equal(['9000', '9000', '9000', '9000']);
      const initialKey = toRsaPublicKey(decodePublicKey(responseData('GENERATE', plain[2])));

      const [, certificate] = await inClear(card, select(CASD), getData(DATA_OBJECT.CERTIFICATE));
      const casdCertificate = toHex(certificate ?? new Uint8Array());
      const attest = async (keyReference: string, publicKey: RsaPublicKey) => {
        const { challengeId, nonce } = await provider.kms.createAttestationChallenge();
        const [attestation] = await inClear(card, getAttestation(fromHex(nonce)));
        const expected = { aid: aidToHex(SSD), keyReference, publicKey, ...wanted };
        return { challengeId, attestation: toHex(attestation ?? new Uint8Array()), casdCertificate, expected };
      };
      await inClear(card, select(SSD));
      const initial = keyReferenceToHex(KEY_REFERENCE.INITIAL_KEY_PAIR);
      const facts = await provider.kms.verifyAttestation(await attest(initial, initialKey));
      expect(facts).to.include({ aid: aidToHex(SSD), keyReference: initial, owned: false, maker: 'delegated' });

      const own = await open(provider, card, { key: initialKey, keyReference: initial, level }, [
        generateKeyPair(KEY_REFERENCE.OWN_KEY_PAIR, keySizeBits),
      ]);
      const ownKey = toRsaPublicKey(decodePublicKey(responseData('GENERATE', own.plain[0])));
      expect(ownKey.modulus).to.not.equal(initialKey.modulus);

      const challenge = await provider.kms.createAttestationChallenge();
      const ownReference = keyReferenceToHex(KEY_REFERENCE.OWN_KEY_PAIR);
      const [attested] = await send(own.session, getAttestation(fromHex(challenge.nonce)));
      const claim = {
        challengeId: challenge.challengeId,
        casdCertificate,
        attestation: toHex(responseData('GET ATTESTATION', attested)),
        expected: { aid: aidToHex(SSD), keyReference: ownReference, publicKey: ownKey, ...wanted },
      };
      const request = { holderReference: '5D'.repeat(16), publicKey: ownKey, claim };
      const issued = await provider.kms.issueSecurityDomainCertificate(request);
      expect(await provider.kms.issueSecurityDomainCertificate(request)).to.deep.equal(issued);

      const [put] = await send(own.session, putCertificate(KEY_REFERENCE.OWN_KEY_PAIR, fromHex(issued.certificate)));
      expect(put).to.deep.equal({ data: '11', sw: '9000' });
      // Several wrapped blocks, one answer.
      expect(await send(own.session, storeCertificate(fromHex(issued.certificate)))).to.deep.equal([
        { data: '', sw: '9000' },
      ]);
      const [stored] = await send(own.session, getData(DATA_OBJECT.CERTIFICATE));
      expect(stored?.data).to.equal(issued.certificate);

      // The pair of step 49 is dead: its session cannot be opened any more.
      await inClear(card, select(SSD));
      expect(
        await failure(open(provider, card, { key: initialKey, keyReference: initial, level }, [])),
      ).to.be.instanceOf(StatusWordError);
      // And the issuer cannot come in with its own certificate.
      await inClear(card, select(SSD));
      expect(
        await failure(open(issuer, card, { key: ownKey, keyReference: ownReference, level }, [])),
      ).to.be.instanceOf(StatusWordError);
    });
  }

  for (const level of ['01', '33']) {
    it(`opens a channel by key agreement at level ${level}`, async () => {
      await using folder = await TestFolder.make();
      const { issuer, made } = await openWorld(folder.path);
      const simulator = await sharedSimulator();
      await using simulated = await simulator.insert(made.image);
      const card = channelTo(simulated);
      const { kms, label, certificate } = issuer;
      const [, , sdCertificate] = await inClear(
        card,
        select(aid(made.isdAid)),
        getData(0x66),
        getData(DATA_OBJECT.CERTIFICATE),
      );
      const { holderReference } = decodeCertificate(sdCertificate ?? new Uint8Array());
      const { channelId, commands } = await kms.openSecureChannel({
        protocol: 'scp10',
        options: '01',
        securityLevel: level,
        offCardEntityLabel: label,
        certificates: [certificate],
        securityDomainKey: made.isdPublicKey,
        securityDomainHolder: toHex(holderReference),
      });
      const { responses } = await runScript(card, commands);
      const authentication = await kms.authenticate(channelId, { responses, commands: [] });
      const outcome = await runScript(card, authentication.commands);
      expect(await kms.unwrap(channelId, { responses: outcome.responses })).to.deep.equal({ responses: [] });
      const session = { platform: issuer, card, channelId };
      const all = await send(session, getData(DATA_OBJECT.CARD_DATA), getData(DATA_OBJECT.CURRENT_SECURITY_LEVEL));
      const expected = (0x80 | Number.parseInt(level, 16)).toString(16).toUpperCase();
      expect(all.map(({ sw }) => sw)).to.deep.equal(['9000', '9000']);
      expect(all[1]?.data).to.equal(`D301${expected}`);
    });
  }

  it('goes on after the card refused a command, and counts as the card does', async () => {
    await using folder = await TestFolder.make();
    const { issuer, made } = await openWorld(folder.path);
    const simulator = await sharedSimulator();
    await using simulated = await simulator.insert(made.image);
    const card = channelTo(simulated);
    await inClear(card, select(aid(made.isdAid)));
    const isd = { key: made.isdPublicKey, keyReference: made.isdKeyReference, level: '33' };
    const { session } = await open(issuer, card, isd, [getData(DATA_OBJECT.CARD_DATA)]);
    const refused = await send(session, getData(0x9f7f), getData(DATA_OBJECT.CARD_DATA));
    expect(refused.map(({ sw }) => sw)).to.deep.equal(['6A88']);
    const [after] = await send(session, getData(DATA_OBJECT.CURRENT_SECURITY_LEVEL));
    expect(after).to.deep.equal({ data: 'D301B3', sw: '9000' });
    const [key] = await send(session, readPublicKey());
    expect(key?.sw).to.equal('9000');
  });

  it('gives the same answer to a request that is repeated, and the card sees no difference', async () => {
    await using folder = await TestFolder.make();
    const { issuer, made } = await openWorld(folder.path);
    const simulator = await sharedSimulator();
    await using simulated = await simulator.insert(made.image);
    const card = channelTo(simulated);
    await inClear(card, select(aid(made.isdAid)));
    const { kms, label, certificate } = issuer;
    const { channelId, commands } = await kms.openSecureChannel({
      protocol: 'scp10',
      options: '02',
      securityLevel: '33',
      offCardEntityLabel: label,
      certificates: [certificate],
      securityDomainKey: made.isdPublicKey,
      keyReference: made.isdKeyReference,
    });
    const twice = async <T>(request: () => Promise<T>): Promise<T> => {
      const first = await request();
      expect(await request()).to.deep.equal(first);
      return first;
    };
    const { responses } = await runScript(card, commands);
    const read = [toPlainCommand(getData(DATA_OBJECT.CURRENT_SECURITY_LEVEL))];
    let script = await twice(() => kms.authenticate(channelId, { responses, commands: read }));
    for (let round = 0; round < 3; round += 1) {
      const outcome = await runScript(card, script.commands);
      const plain = await twice(() => kms.unwrap(channelId, { responses: outcome.responses }));
      expect(plain.responses).to.deep.equal([{ data: 'D301B3', sw: '9000' }]);
      script = await twice(() => kms.wrap(channelId, { commands: read }));
    }
  });

  it('closes the channel and forgets its keys when anything on the way changes an answer', async () => {
    await using folder = await TestFolder.make();
    const { issuer, made } = await openWorld(folder.path);
    const simulator = await sharedSimulator();
    await using simulated = await simulator.insert(made.image);
    const card = channelTo(simulated);
    const isd = { key: made.isdPublicKey, keyReference: made.isdKeyReference, level: '33' };
    await inClear(card, select(aid(made.isdAid)));
    const { session } = await open(issuer, card, isd, []);
    const { channelId } = session;
    const script = await issuer.kms.wrap(channelId, { commands: [toPlainCommand(getData(DATA_OBJECT.CARD_DATA))] });
    const { responses } = await runScript(card, script.commands);
    const changed = responses.map(({ data, sw }) => ({
      data: `${data.slice(0, -1)}${data.endsWith('0') ? '1' : '0'}`,
      sw,
    }));
    expect(await failure(issuer.kms.unwrap(channelId, { responses: changed }))).to.be.instanceOf(SecureChannelError);
    expect(await failure(issuer.kms.unwrap(channelId, { responses }))).to.be.instanceOf(NotFoundError);
    expect(issuer.kms.channels.size).to.equal(0);
  });

  it('does not trust an SSD whose trust point the issuer has exchanged', async () => {
    await using folder = await TestFolder.make();
    const { issuer, provider, made } = await openWorld(folder.path);
    const simulator = await sharedSimulator();
    await using simulated = await simulator.insert(made.image);
    const card = channelTo(simulated);
    const { publicKey: foreign } = await issuer.kms.certificateAuthority();
    await inClear(card, select(aid(made.isdAid)));
    const { plain } = await open(
      issuer,
      card,
      { key: made.isdPublicKey, keyReference: made.isdKeyReference, level: '33' },
      [
        installSecurityDomain({ instance: SSD, applicationProviderId: fromHex(provider.holderReference) }),
        installForPersonalization(SSD),
        generateKeyPair(KEY_REFERENCE.INITIAL_KEY_PAIR, 1024),
        putPublicKeyExtended(KEY_REFERENCE.TRUST_POINT, fromRsaPublicKey(foreign)),
      ],
    );
    const publicKey = toRsaPublicKey(decodePublicKey(responseData('GENERATE', plain[2])));
    const [, certificate] = await inClear(card, select(CASD), getData(DATA_OBJECT.CERTIFICATE));
    const { challengeId, nonce } = await provider.kms.createAttestationChallenge();
    const [, attestation] = await inClear(card, select(SSD), getAttestation(fromHex(nonce)));
    const { holderReference, publicKey: authority } = await provider.kms.certificateAuthority();
    const wanted = {
      trustPoint: { holderReference, publicKey: authority },
      applicationProviderId: provider.holderReference,
    };
    const bytes = {
      attestation: toHex(attestation ?? new Uint8Array()),
      casdCertificate: toHex(certificate ?? new Uint8Array()),
    };
    const keyReference = keyReferenceToHex(KEY_REFERENCE.INITIAL_KEY_PAIR);
    const claim = { challengeId, ...bytes, expected: { aid: aidToHex(SSD), keyReference, publicKey, ...wanted } };
    const refusal = await failure(provider.kms.verifyAttestation(claim));
    expect(refusal)
      .to.be.instanceOf(CertificateError)
      .and.deep.include({ code: 'attestation-content', context: { differs: 'trustPoint' } });
  });
});

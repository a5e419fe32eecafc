// SPDX-License-Identifier: Apache-2.0
/** 41 to 60 on cards whose issuer's domain is not ours, and what an issuer can do to the domain afterwards. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { readCardImage } from '../../../simulator/src/index.ts';
import { antJavacard, ROOT } from '../../../toolchain/test/run.ts';
import { CardSession } from '../../card/card-session.ts';
import { chooseChannel, secureChannelsOf } from '../../card/discovery.ts';
import { loadFileCommands } from '../../card/load.ts';
import { systemRandom } from '../../crypto/random.ts';
import { PolicyError } from '../../errors.ts';
import { AttackedCard } from '../../lab/properties/attacked-card.ts';
import type { Applications } from '../../service/issuer/applications.ts';
import { findSecurityDomainRow } from '../../store/provider/security-domains.ts';
import { type CapFile, decodeCapFile } from '../../wire/cap/cap-file.ts';
import { aid } from '../../wire/gp/aid.ts';
import type { GpCommand } from '../../wire/gp/command.ts';
import { deleteObject } from '../../wire/gp/delete.ts';
import { generateKeyPair } from '../../wire/gp/generate-key-pair.ts';
import { initializeUpdate } from '../../wire/gp/initialize-update.ts';
import { installForPersonalization, installSecurityDomain } from '../../wire/gp/install.ts';
import { KEY_REFERENCE } from '../../wire/gp/key-reference.ts';
import { fromRsaPublicKey } from '../../wire/gp/public-key.ts';
import { putPublicKeyExtended } from '../../wire/gp/put-key.ts';
import { select } from '../../wire/gp/select.ts';
import { storeCommands } from '../../wire/gp/store-data.ts';
import { fromHex } from '../../wire/hex.ts';
import { nativeIssuerSteps, providerSteps } from '../../workflow/key-distribution.ts';
import { imageKeys, NATIVE_CARDS, noFuse, TOP_LEVEL } from '../card/native-cards.ts';
import { failure } from '../transport/framed-card.ts';
import { channelOf, InProcess, PROVIDER_HOLDER, SSD_AID } from './in-process.ts';

describe('key distribution where the issuer domain is the card maker’s', function () {
  this.timeout(240_000);
  let lab: InProcess;
  let cap: CapFile;

  before(async () => {
    const built = antJavacard([], ROOT);
    expect(built.code, built.err + built.out).to.equal(0);
    cap = decodeCapFile(new Uint8Array(await readFile(join(ROOT, 'build/cap/securitydomain-3.0.5.cap'))));
    lab = await InProcess.start({ allowWithoutAttestation: true, securityDomainPackage: cap });
  });
  after(() => lab?.[Symbol.asyncDispose]());

  it('runs on a card without raw RSA, DES keys in RAM, RSA 3072, and with room for two pairs', async () => {
    const lacks = [
      'Cipher.ALG_RSA_NOPAD',
      'KeyBuilder.TYPE_DES_TRANSIENT_DESELECT',
      'KeyBuilder.LENGTH_RSA_3072',
      'Signature.ALG_DES_MAC8_ISO9797_1_M2_ALG3',
    ];
    const { cplc } = (await readCardImage('jcop')).image;
    await lab.insertNative('jcop', { name: 'poor', cplc: cplc?.replace('1234', 'ABCD') ?? null, lacks, keyPairs: 2 });
    const state = await lab.distribute('poor');
    expect(state.problem).to.equal(undefined);
    expect(state.outcome).to.equal('distributed');
  });

  it('tries nothing against a card whose keys the issuer does not have', async () => {
    const { cplc } = (await readCardImage('jcop')).image;
    const other = cplc?.replace('1234', 'AB01') ?? null;
    const { seat } = await lab.insertNative('jcop', { name: 'foreign', cplc: other, keySet: 'aes256' });
    const state = await lab.distribute('foreign');
    expect([state.state, state.problem?.type]).to.deep.equal(['failed', 'urn:opentsm:problem:card-cryptogram']);
    expect(seat.sent.map(({ label }) => label)).to.not.include('EXTERNAL AUTHENTICATE');
    expect(
      await lab.issuer.database.selectFrom('authentication_failures').selectAll().where('failures', '>', 0).execute(),
    ).to.deep.equal([]);
  });

  it('records no domain of a card whose controlling domain the issuer reports and the link hides', async () => {
    const { seat, made, cardId, readerName } = await lab.insertMade('hidden CASD');
    lab.between.answers = (commands, responses, asked) =>
      responses.map((truth, index) => {
        const apdu = commands[index]?.apdus[0] ?? '';
        const hidden = asked === seat && apdu.startsWith('00A40400') && apdu.includes(made.casdAid ?? 'none');
        return hidden ? { data: '', sw: '6A82' } : truth;
      });
    const { problem, outcome } = await lab.distribute(readerName);
    delete lab.between.answers;
    expect([problem?.type, problem?.numeral, outcome], JSON.stringify(problem)).to.deep.equal([
      ...['urn:opentsm:problem:casd-hidden', '53', 'refused'],
    ]);
    expect(await findSecurityDomainRow(lab.provider.database, cardId)).to.equal(undefined);
    expect(seat.sent.filter(({ label }) => label === 'PUT KEY [certificate]')).to.deep.equal([]);
    const honest = await lab.distribute(readerName);
    expect([honest.outcome, honest.isolation], JSON.stringify(honest.problem)).to.deep.equal([
      'distributed',
      'attested',
    ]);
  });

  it('gives no domain privileges, limits or key sets there: 43 and 44 refuse, before the card is asked', async () => {
    const { cplc } = (await readCardImage('jcop')).image;
    const other = cplc?.replace('1234', 'AB03') ?? null;
    const { seat, cardId, readerName } = await lab.insertNative('jcop', { name: 'wishes', cplc: other });
    const request = { providerId: 'a', cardId, ssdAid: SSD_AID, relayId: 'nobody' };
    const wishes: readonly Parameters<Applications['requestSecurityDomain']>[3][] = [
      { wished: { privileges: ['security-domain'] } },
      { wished: { memory: { volatileQuota: 1_024 } } },
    ];
    for (const wish of wishes) {
      const error = await failure(lab.issuer.applications.requestSecurityDomain(randomUUID(), 'a', request, wish));
      expect(error, JSON.stringify(wish)).to.be.instanceOf(PolicyError).and.include({ code: 'card-profile' });
    }
    // First keys are asked for at the KMS before, which has no transport key of this name.
    const keys = { keyIndex: '01', keyVersion: '30', lengthBits: 128 } as const;
    const error = await failure(lab.issuer.applications.requestSecurityDomain(randomUUID(), 'a', request, { keys }));
    expect(error).to.include({ code: 'no-such-key' });
    expect(seat.sent).to.deep.equal([]);
    expect((await lab.distribute(readerName)).outcome, 'without wishes').to.equal('distributed');
  });

  it('goes on after the power was cut in the middle of LOAD', async () => {
    const { cplc } = (await readCardImage('jcop')).image;
    const other = cplc?.replace('1234', 'AB02') ?? null;
    const { card } = await lab.insertNative('jcop', { name: 'cut', cplc: other });
    await card.cutPower({ afterApdus: 80, when: 'before-response' });
    const state = await lab.distribute('cut');
    expect([state.outcome, state.problem]).to.deep.equal(['distributed', undefined]);
  });

  it('goes on after the power was cut anywhere in the issuer’s session', async () => {
    for (const [index, afterApdus] of [20, 28, 30, 34].entries()) {
      const name = `uicc-${afterApdus}`;
      const { card, image, seat } = await lab.insertNative('uicc', { name, iccid: `8986009900000000${1000 + index}` });
      const session = new CardSession(channelOf(seat));
      const offered = await secureChannelsOf(session, systemRandom);
      const keys = () => imageKeys(image);
      await session.open(chooseChannel(offered, { keys, level: TOP_LEVEL.uicc, random: systemRandom }), noFuse);
      for (const command of loadFileCommands(cap, { withDescriptor: true })) await session.send(command);
      await card.cutPower({ afterApdus, when: 'before-response' });
      const state = await lab.distribute(name);
      expect([afterApdus, state.outcome, state.problem]).to.deep.equal([afterApdus, 'distributed', undefined]);
    }
  });

  for (const name of NATIVE_CARDS) {
    describe(name, () => {
      let native: Awaited<ReturnType<InProcess['insertNative']>>;
      let reported: ReturnType<typeof fromRsaPublicKey>;

      before(async () => {
        native = await lab.insertNative(name);
      });

      /** The issuer with the card in its hand, in its own session with the ISD. */
      async function asIssuer(commands: readonly GpCommand[]) {
        await native.card.power('on');
        await native.card.reset();
        const session = new CardSession(channelOf(native.seat));
        const offered = await secureChannelsOf(session, systemRandom);
        const keys = () => imageKeys(native.image);
        await session.open(chooseChannel(offered, { keys, level: TOP_LEVEL[name], random: systemRandom }), noFuse);
        const answers: string[] = [];
        for (const command of commands) answers.push((await session.transmit(command)).sw);
        return answers;
      }

      it('ends as distributed, on the word of an honest issuer, and shows every row', async () => {
        const state = await lab.distribute(name);
        expect(state.problem).to.equal(undefined);
        expect([state.outcome, state.isolation]).to.deep.equal(['distributed', 'honest-issuer']);
        const listed = [...nativeIssuerSteps.rows(), ...providerSteps.rows()].map(({ numeral }) => numeral);
        expect(state.steps.map(({ numeral }) => numeral).sort()).to.deep.equal([...new Set(listed)].sort());
        const row = await lab.issuer.database
          .selectFrom('security_domain_requests')
          .select('report')
          .where('request_id', '=', state.id)
          .executeTakeFirst();
        const report = row?.report as unknown as { publicKey: { modulus: string; exponent: string } };
        reported = fromRsaPublicKey(report.publicKey);
      });

      it('finds its domain again', async () => {
        const again = await lab.distribute(name);
        expect(again.problem).to.equal(undefined);
        expect(again.foundBy).to.equal('database');
      });

      it('leaves the issuer no way in: STORE DATA, its own keys, its certificate, the key of 49', async () => {
        const attacked = new AttackedCard(native.card);
        const look = await attacked.look(SSD_AID);
        const point = { modulus: new Uint8Array(128).fill(0xc1), exponent: Uint8Array.of(1, 0, 1) };
        const mine = putPublicKeyExtended(KEY_REFERENCE.TRUST_POINT, point, fromHex(PROVIDER_HOLDER));
        const acts = [
          mine,
          generateKeyPair(KEY_REFERENCE.INITIAL_KEY_PAIR, 1024),
          generateKeyPair(KEY_REFERENCE.OWN_KEY_PAIR, 1024),
          { ...mine, p2: 0x81 },
        ];
        const into = installForPersonalization(aid(SSD_AID));
        for (const act of acts) {
          expect(await asIssuer([into, storeCommands([act])]), act.label).to.deep.equal(['9000', '6985']);
        }
        // In parts, as if it had been left open.
        const part = { ...storeCommands([mine]), p1: 0x10 };
        expect(await asIssuer([into, part, { ...part, p1: 0x90, p2: 1 }])).to.deep.equal(['9000', '6985', '6985']);
        const session = new CardSession(channelOf(native.seat));
        await session.send(select(aid(SSD_AID)));
        for (const kvn of [0x00, 0x20, 0x30, 0xff]) {
          const answer = await session.transmit(initializeUpdate(new Uint8Array(name === 'ese' ? 16 : 8), kvn));
          expect(answer.sw, `KVN ${kvn}`).to.be.oneOf(['6A88', '6700', '6D00']);
        }
        const { keys, settings } = lab.issuer;
        const signer = await keys.signer(settings.offCardEntityLabel, 'off-card-entity');
        for (const keyReference of [KEY_REFERENCE.INITIAL_KEY_PAIR, KEY_REFERENCE.OWN_KEY_PAIR]) {
          const certificates = [fromHex(settings.offCardEntityCertificate)];
          const attempt = { aid: SSD_AID, signer, certificates, securityDomainKey: reported, keyReference };
          expect((await attacked.openChannel(attempt)).opened).to.equal(false);
        }
        expect(await attacked.look(SSD_AID)).to.equal(look);
      });

      it('does not take a domain for ours that the issuer deleted and made anew', async () => {
        const install = installSecurityDomain({
          instance: aid(SSD_AID),
          privileges: 0,
          keySizeBits: 1024,
          applicationProviderId: fromHex(PROVIDER_HOLDER),
        });
        const made = [installForPersonalization(aid(SSD_AID)), storeCommands([firstPair, providersPoint()])];
        const answers = await asIssuer([deleteObject(aid(SSD_AID)), install, ...made]);
        expect(answers).to.deep.equal(['9000', '9000', '9000', '9000']);
        const state = await lab.distribute(name);
        expect([state.outcome, state.problem?.type]).to.deep.equal(['refused', 'urn:opentsm:problem:key-pair-gone']);
      });

      const firstPair = generateKeyPair(KEY_REFERENCE.INITIAL_KEY_PAIR, 1024);
      const providersPoint = () => putPublicKeyExtended(KEY_REFERENCE.TRUST_POINT, reported, fromHex(PROVIDER_HOLDER));
    });
  }
});

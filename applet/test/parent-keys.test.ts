// SPDX-License-Identifier: Apache-2.0
/** A domain without keys: it opens with its parent's, until it has its own, and never again once somebody owns it. */
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { apdu, ISD, LOAD_FILE, SSD_MODULE, type TestCard, withIssuerCard } from './support/card.ts';
import { openProvider, prepare, provider } from './support/domains.ts';
import { desSetData, openScp02, randomDesSet, readScp02Update } from './support/scp02-host.ts';
import { type KeySet, keySetData, openScp03, randomKeySet } from './support/scp03-host.ts';
import { openIssuer } from './support/scp10-host.ts';
import { bytes, hex, lv, tlv } from './support/tlv.ts';

const SSD = 'F06F70656E74736D5303';
const plain = (key: Buffer): Buffer => key;
const state = (answer: string): string => /9F7001(..)/.exec(answer)?.[1] ?? '';

interface IssuersSets {
  readonly des: KeySet;
  readonly aes: KeySet;
}

/** A SECURED card whose issuer has both protocols, with a domain whose C9 holds these objects. */
function withKeyless(
  parameters: string,
  test: (card: TestCard, sets: IssuersSets) => Promise<void>,
): () => Promise<void> {
  return withIssuerCard({ lifeCycle: 'OP_READY', casd: true }, async (card) => {
    const sets = { des: randomDesSet('20'), aes: randomKeySet('30') };
    await card.ok(apdu('80D80081', desSetData(sets.des, plain), true));
    await card.ok(apdu('80D80081', keySetData(sets.aes, plain), true));
    await card.ok('80F0800F');
    const fields = [LOAD_FILE, SSD_MODULE, SSD, '808000', tlv('C9', parameters)];
    const data = Buffer.concat([...fields.map((field) => lv(field)), bytes('00')]);
    expect(await (await openScp03(card, sets.aes)).ok('80E60C00', data)).equal('00');
    await card.select(SSD);
    await test(card, sets);
  });
}

async function stateOf(card: TestCard, sets: IssuersSets): Promise<string> {
  await card.select(ISD);
  const answer = await (await openScp03(card, sets.aes)).ok('80F24002', tlv('4F', SSD));
  await card.select(SSD);
  return state(answer);
}

describe('A domain without keys', () => {
  it(
    'opens with its parent’s set, and the first PUT KEY in there makes it PERSONALIZED',
    withKeyless('81020370', async (card, sets) => {
      expect(await stateOf(card, sets)).equal('07');
      const session = await openScp03(card, sets.aes);
      const own = randomKeySet('31');
      expect((await session.putKeySet(own)).sw).equal('9000');
      expect(await stateOf(card, sets)).equal('0F');
      await card.ok(apdu('80503000', randomBytes(8), true), '6A88');
      const owner = await openScp03(card, own);
      expect(await owner.ok('80CA00D3')).equal('D301B3');
    }),
  );

  it(
    'does so under SCP02, whose counter is the parent’s, and stays SELECTABLE when C9 says so',
    withKeyless('81020215 8400', async (card, sets) => {
      const sequence = async (): Promise<string> =>
        hex(readScp02Update(bytes(await card.ok(apdu('80502000', randomBytes(8), true)))).cardPart.subarray(0, 2));
      expect(await sequence()).equal('0000');
      await openScp02(card, sets.des);
      expect(await sequence()).equal('0001');
      const session = await openScp02(card, sets.des);
      const own = randomDesSet('21');
      expect(
        (
          await session.send(
            '80D80081',
            desSetData(own, (key) => session.seal(key)),
          )
        ).sw,
      ).equal('9000');
      expect(await stateOf(card, sets)).equal('07');
      await openScp02(card, own);
      await card.select(ISD);
      expect(await sequence()).equal('0002');
    }),
  );

  it(
    'has the issuer’s options when C9 says 00 for SCP02',
    withKeyless('81020200', async (card, sets) => {
      expect(await (await openScp02(card, sets.des, 0x03, '15')).ok('80CA0067')).equal('6708A006800102810115');
    }),
  );

  it(
    'gives its parent no key, no certificate and no ownership in that session',
    withKeyless(`81020370 5F2010${'11'.repeat(16)}`, async (card, sets) => {
      const session = await openScp03(card, sets.aes);
      await session.ok('80478000', 'A4088402110291020400', '6985');
      await session.ok('80E40000', 'D20130', '6A88');
      // a pair of delegation is all it makes: then the domain has a key of its own
      await session.ok('80478000', 'A4088402100291020400');
      await card.ok(apdu('80503000', randomBytes(8), true), '6A88');
    }),
  );
});

describe('After the owner’s first write the issuer’s keys', () => {
  it('open nothing and are not there: left inside before 52, put while personalization is open, or its parent’s own', async () => {
    const who = provider('provider a');
    for (const protocols of ['1002', '100203700215']) {
      await withIssuerCard({ casd: true, lifeCycle: 'OP_READY' }, async (card) => {
        const [des, aes] = [randomDesSet('20'), randomKeySet('30')];
        await card.ok(apdu('80D80081', desSetData(des, plain), true));
        await card.ok(apdu('80D80081', keySetData(aes, plain), true));
        await card.ok('80F0800F');
        const modulus = await prepare(await openIssuer(card), SSD, who, protocols);
        await card.select(ISD);
        const issuer = await openScp03(card, aes);
        await issuer.ok('80E62000', `0000${hex(lv(SSD))}000000`);
        const left = [randomKeySet('31'), randomKeySet('01', 32)];
        for (const set of left) expect((await issuer.putKeySet(set)).sw).equal('9000');
        const ota = randomDesSet('02');
        expect(
          (
            await issuer.send(
              '80D80081',
              desSetData(ota, (key) => issuer.seal(key)),
            )
          ).sw,
        ).equal('9000');

        const owner = await openProvider(card, SSD, who, modulus);
        await owner.ok('80E29000', '4203AABBCC');
        expect(await owner.ok('80CA00E0', '', true)).equal('E010C0060110A180A003C0060210A180A003');
        await card.select(SSD);
        for (const kvn of ['00', '20', '30', '31', '01', '02']) {
          await card.ok(apdu(`8050${kvn}00`, randomBytes(8), true), '6A88');
        }
        await card.select(ISD);
        const later = await openScp03(card, aes);
        await later.ok('80E62000', `0000${hex(lv(SSD))}000000`);
        for (const set of left) expect((await later.putKeySet(set)).sw).equal('6985');
        await later.ok('80E29000', '4203AABBCC', '6985');
      })();
    }
  }).timeout(60_000);

  it('did not count as the owner’s either: a set of delegation makes a session of anybody', async () => {
    const who = provider('provider a');
    await withIssuerCard({ casd: true, lifeCycle: 'OP_READY' }, async (card) => {
      const aes = randomKeySet('30');
      await card.ok(apdu('80D80081', keySetData(aes, plain), true));
      await card.ok('80F0800F');
      await prepare(await openIssuer(card), SSD, who, '10020370');
      await card.select(ISD);
      const issuer = await openScp03(card, aes);
      await issuer.ok('80E62000', `0000${hex(lv(SSD))}000000`);
      const left = randomKeySet('31');
      expect((await issuer.putKeySet(left)).sw).equal('9000');
      await card.select(SSD);
      const intruder = await openScp03(card, left);
      expect(await intruder.ok('80CA00D3')).equal('D30173');
      expect((await intruder.putKeySet(randomKeySet('32'))).sw).equal('6982');
      await intruder.ok('80478000', 'A4088402110291020400', '6982');
      await intruder.ok('80E29000', '4203AABBCC', '6982');
      await intruder.ok('80F0400F', SSD, '6982');
    })();
  });

  it(
    'do not go before the owner’s own are there: a first write that would lock everybody out is refused',
    withKeyless('81020370', async (card, sets) => {
      await card.select(ISD);
      const issuer = await openScp03(card, sets.aes);
      await issuer.ok('80E62000', `0000${hex(lv(SSD))}000000`);
      const given = randomKeySet('31');
      expect((await issuer.putKeySet(given)).sw).equal('9000');
      await card.select(SSD);
      for (const refused of [
        ['80E29000', '4203AABBCC'],
        ['80478000', 'A4088402110291020400'],
      ] as const) {
        const owner = await openScp03(card, given);
        await owner.ok(refused[0], refused[1], '6985');
      }
      // Nothing is half done: the set that came still opens, and goes with the owner's own.
      const own = randomKeySet('32');
      expect((await (await openScp03(card, given)).putKeySet(own)).sw).equal('9000');
      await card.ok(apdu('80503100', randomBytes(8), true), '6A88');
      const owner = await openScp03(card, own);
      await owner.ok('80E29000', '4203AABBCC');
      await owner.ok('80478000', 'A4088402110291020400');
    }),
  ).timeout(60_000);
});

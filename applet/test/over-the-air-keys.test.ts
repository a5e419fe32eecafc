// SPDX-License-Identifier: Apache-2.0
/** Key versions of SCP80 and SCP81 beside those of SCP02 and SCP03 (applet/README.md section 2, 5.4). */
import { expect } from 'chai';
import { apdu, ISD, type TestCard, withIssuerCard } from './support/card.ts';
import { install, provider, SSD } from './support/domains.ts';
import { onOtaCard, PacketCard, randomKeys } from './support/ota-card.ts';
import { desSetData, openScp02, randomDesSet } from './support/scp02-host.ts';
import { type KeySet, keySetAnswer, keySetData, openScp03, randomKeySet } from './support/scp03-host.ts';
import { openIssuer } from './support/scp10-host.ts';

const plain = (key: Buffer): Buffer => key;
const SCP10 = '2A864886FC6B0410';
const SCP02 = '2A864886FC6B0402';
const SCP03 = '2A864886FC6B0403';
const OVER_THE_AIR = '80008100';
const ALL = `1002100102150370${OVER_THE_AIR}`;

const named = (recognition: string): string[] => [SCP02, SCP03, SCP10].filter((oid) => recognition.includes(oid));
const update = async (card: TestCard, kvn: string, sw: string): Promise<string> =>
  card.ok(apdu(`8050${kvn}00`, Buffer.alloc(8), true), sw);

async function put(card: TestCard, set: KeySet, type: 'AES' | 'DES' = 'AES'): Promise<void> {
  await card.ok(apdu('80D80081', type === 'AES' ? keySetData(set, plain) : desSetData(set, plain), true));
}

/** A card in OP_READY whose issuer's domain has these protocols. */
const withProtocols = (protocols: string, test: (card: TestCard) => Promise<void>): (() => Promise<void>) =>
  withIssuerCard(
    {
      lifeCycle: 'OP_READY',
      change: (image) => ({ ...image, isd: image.isd === null ? null : { ...image.isd, protocols } }),
    },
    test,
  );

describe('Key versions of SCP80 and SCP81', () => {
  it(
    'open no session of SCP02 or SCP03, and hide SCP10 from nobody',
    withProtocols(ALL, async (card) => {
      for (const kvn of ['01', '0F', '40', '4F']) await put(card, randomKeySet(kvn));
      for (const kvn of ['02', '0E', '41', '4E']) await put(card, randomDesSet(kvn), 'DES');
      for (const kvn of ['00', '01', '02', '0E', '0F', '40', '41', '4E', '4F']) await update(card, kvn, '6A88');
      await card.ok('80CA00C100', '6A88');
      expect(named(await card.ok('80CA006600'))).deep.equal([SCP10]);
      await openIssuer(card);
      await card.select(ISD);
      const around = [randomKeySet('12'), randomKeySet('3F'), randomKeySet('50')];
      for (const set of around) {
        await put(card, set);
        await openScp03(card, set);
        await card.select(ISD);
      }
      const des = randomDesSet('20');
      await put(card, des, 'DES');
      expect(named(await card.ok('80CA006600')), 'hosts that know no SCP10 stop at its name').deep.equal([
        SCP02,
        SCP03,
      ]);
      await openScp02(card, des);
    }),
  );

  it(
    'are none of the domains below, whichever protocols these name',
    withProtocols(ALL, async (card) => {
      await install(await openIssuer(card), SSD, provider('provider a'), '', '10020370');
      await card.select(SSD);
      await put(card, randomKeySet('05'));
      await update(card, '05', '6A88');
      const set = randomKeySet('30');
      await put(card, set);
      await openScp03(card, set);
    }),
  );

  it(
    'leave the keys that a card is delivered with where they are',
    withProtocols(ALL, async (card) => {
      const initial = randomKeySet('FF');
      await put(card, initial);
      await put(card, randomKeySet('01'));
      await openScp03(card, initial);
      await card.select(ISD);
      await put(card, randomKeySet('30'));
      await update(card, 'FF', '6A88');
    }),
  );

  it(
    'are versions as any others on a card that has neither',
    withProtocols('100202150370', async (card) => {
      const [low, high] = [randomKeySet('01'), randomKeySet('40')];
      for (const set of [low, high]) {
        expect(await card.ok(apdu('80D80081', keySetData(set, plain), true))).equal(keySetAnswer(set));
        await openScp03(card, set);
        await card.select(ISD);
      }
    }),
  );

  it('serve packets where remote management is, and SCP10 stands in 66 without being asked for', async () => {
    const packets = randomKeys(1, 'AES');
    await onOtaCard({ keys: [packets] }, async (card) => {
      await card.select(ISD);
      expect(named(await card.ok('80CA006600'))).deep.equal([SCP10]);
      await update(card, '01', '6A88');
      expect(await new PacketCard(card, packets).ok('80CA00C200')).match(/^C202/);
    });
  });
});

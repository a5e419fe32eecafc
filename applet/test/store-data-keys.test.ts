// SPDX-License-Identifier: Apache-2.0
/** Keys by STORE DATA: templates B9 in 00B9 and an enciphered 8113 for each (GPCS 2.3.1 11.11.3.2.4). */
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { TestCard } from './support/card.ts';
import { dgi, keyTemplate, secretKey, store } from './support/groupings.ts';
import { aes, des, withSets } from './support/key-sets.ts';
import { openScp02, type Scp02Session } from './support/scp02-host.ts';
import { openScp03, randomKeySet, type Scp03Session } from './support/scp03-host.ts';
import { entries, type SymmetricKey } from './support/stored-keys.ts';
import { hex, tlv } from './support/tlv.ts';

const KEYS: readonly SymmetricKey[] = [
  ['88', 16],
  ['88', 24],
  ['88', 32],
  ['80', 16],
  ['85', 20],
].map(([type, length]) => ({ type: String(type), value: randomBytes(Number(length)) }));

/** A set of three AES keys, its templates and its keys. */
function setGroupings(session: Scp02Session | Scp03Session, version: string, block: number): Buffer {
  const set = randomKeySet(version);
  const keys = [set.enc, set.mac, set.dek].map((value): SymmetricKey => ({ type: '88', value }));
  const templates = keys.map((key, i) => keyTemplate(key, `0${i + 1}`, version));
  const secrets = keys.map((key) => secretKey(key, (data) => session.seal(data), block));
  return Buffer.concat([dgi('00B9', Buffer.concat(templates)), ...secrets]);
}

describe('Keys in data groupings', () => {
  for (const [name, block, open] of [
    ['SCP02', 8, (card: TestCard) => openScp02(card, des, 0x03)],
    ['SCP03', 16, (card: TestCard) => openScp03(card, aes, 0x33)],
  ] as const) {
    it(
      `come under the DEK of ${name}, said to be enciphered or not, one by one and together with objects`,
      withSets(async (card) => {
        const session = await open(card);
        for (const p1 of [0x08, 0x28, 0x68]) {
          for (const [i, key] of KEYS.entries()) {
            const id = `0${i + 1}`;
            const secret = secretKey(key, (data) => session.seal(data), block);
            const data = Buffer.concat([dgi('00B9', keyTemplate(key, id, '40')), secret]);
            expect(await store(session, p1, data), `${key.type} ${key.value.length}`).equal('9000');
            const length = hex(Buffer.of(key.value.length));
            expect(entries(await session.ok('80CA00E0'))).include(`${id}40${key.type}${length}`);
          }
          await session.ok('80E40000', 'D20140');
        }
        const both = Buffer.concat([dgi('0070', tlv('42', '0A0B')), setGroupings(session, '41', block)]);
        expect(await store(session, 0x68, both, 50)).equal('9000');
        expect(await session.ok('80CA0042')).equal('42020A0B');
        expect(entries(await session.ok('80CA00E0'))).include.members(['01418810', '02418810', '03418810']);
      }),
    );
  }

  it(
    'come in lists one behind the other, each with its keys',
    withSets(async (card) => {
      const session = await openScp03(card, aes, 0x03);
      const pairs = KEYS.map((key, i) =>
        Buffer.concat([
          dgi('00B9', keyTemplate(key, `0${i + 1}`, '40')),
          secretKey(key, (data) => session.seal(data), 16),
        ]),
      );
      const objects = dgi('0070', tlv('42', '0A0C'));
      expect(await store(session, 0x68, Buffer.concat([...pairs, objects, setGroupings(session, '41', 16)]))).equal(
        '9000',
      );
      const there = entries(await session.ok('80CA00E0'));
      for (const [i, key] of KEYS.entries())
        expect(there).include(`0${i + 1}40${key.type}${hex(Buffer.of(key.value.length))}`);
      expect(there).include.members(['01418810', '02418810', '03418810']);
      expect(await session.ok('80CA0042')).equal('42020A0C');
    }),
  );
});

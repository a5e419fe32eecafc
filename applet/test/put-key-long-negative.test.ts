// SPDX-License-Identifier: Apache-2.0
/** PUT KEY in parts (GPCS 2.3.1 11.1.5.1) under SCP02 and SCP03: its one MAC is over all of them, in their order. */
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { apdu, ISD, split, type TestCard } from './support/card.ts';
import { aes, des, withSets } from './support/key-sets.ts';
import { openScp02, type Scp02Session } from './support/scp02-host.ts';
import { openScp03, type Scp03Session } from './support/scp03-host.ts';
import { bytes, tlv } from './support/tlv.ts';

type Session = Scp02Session | Scp03Session;

/** A CRT key of five components. */
function longKey(session: Session): Buffer {
  const components = ['A4', 'A5', 'A6', 'A7', 'A8'].map((type) => tlv(type, session.seal(randomBytes(64))));
  return Buffer.concat([bytes('71'), ...components, bytes('00')]);
}

/** Sends parts as they are given; answers the status word of each. */
async function sendParts(card: TestCard, parts: readonly Buffer[]): Promise<string[]> {
  const answers: string[] = [];
  for (const [i, part] of parts.entries()) {
    const header = i === parts.length - 1 ? '84D80003' : '84D88003';
    answers.push((await card.send(apdu(header, part, i === parts.length - 1))).sw);
  }
  return answers;
}

const changed = (part: Buffer, at: number): Buffer =>
  Buffer.from(part.map((byte, i) => (i === (at + part.length) % part.length ? byte ^ 1 : byte)));

const faults: readonly (readonly [string, (parts: Buffer[]) => Buffer[]])[] = [
  [
    'a MAC that is wrong in its last byte',
    (parts) => [...parts.slice(0, -1), changed(parts.at(-1) ?? parts[0] ?? bytes(''), -1)],
  ],
  ['a first part that is wrong in its first byte', ([first = bytes(''), ...rest]) => [changed(first, 0), ...rest]],
  ['parts in another order', ([first = bytes(''), second = bytes(''), ...rest]) => [second, first, ...rest]],
  ['a part too few', ([, ...rest]) => rest],
  ['a part twice', ([first = bytes(''), ...rest]) => [first, first, ...rest]],
];

for (const [name, open] of [
  ['SCP02 with C-MAC', (card: TestCard) => openScp02(card, des, 0x01)],
  ['SCP02 with C-DECRYPTION', (card: TestCard) => openScp02(card, des, 0x03)],
  ['SCP03', (card: TestCard) => openScp03(card, aes, 0x03)],
] as const) {
  describe(`PUT KEY in parts under ${name}`, () => {
    it(
      'with any fault ends the session, and no key is put',
      withSets(async (card) => {
        const before = await card.ok('80CA00E000');
        for (const [fault, spoil] of faults) {
          await card.select(ISD);
          const session: Session = await open(card);
          const parts = split(session.field('84D80003', longKey(session)), 120);
          const answers = await sendParts(card, spoil(parts));
          expect(answers.at(-1), fault).equal('6982');
          expect(
            answers.slice(0, -1).every((sw) => sw === '9000'),
            fault,
          ).equal(true);
          expect((await session.send('80CA00E0')).sw, `the session after ${fault}`).equal('6982');
          await card.select(ISD);
          expect(await card.ok('80CA00E000'), fault).equal(before);
        }
      }),
    );

    it(
      'is 6A84 beyond what a command may have, and 6985 when another PUT KEY comes between; the session goes on',
      withSets(async (card) => {
        const session: Session = await open(card);
        for (let i = 0; i < 4; i++) await card.ok(apdu('84D88003', Buffer.alloc(255)));
        await card.ok(apdu('84D88003', Buffer.alloc(255)), '6A84');
        await card.ok(apdu('84D88003', Buffer.alloc(200)));
        await card.ok(apdu('84D80004', Buffer.alloc(20), true), '6985');
        expect(await session.ok('80CA00D3')).match(/^D301/);
        expect((await session.send('80D80003', longKey(session))).sw).equal('9000');
      }),
    );
  });
}

// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import type { PcscReader } from '../../transport/pcsc/binding.ts';
import { connect, HeldCard } from '../../transport/pcsc/held-card.ts';
import { toHex } from '../../wire/hex.ts';
import { failure } from './framed-card.ts';

const [T0, T1, BOTH] = [1, 2, 3];

/** A reader on paper: vpcd's driver takes every protocol, so this failure cannot be had from it. */
function reader(answers: Readonly<Record<number, string | number>>) {
  const asked: number[] = [];
  const sent: string[] = [];
  const made: PcscReader = {
    name: 'reader on paper',
    connected: false,
    connect: ({ protocol }, done) => {
      asked.push(protocol);
      const answer = answers[protocol];
      if (typeof answer === 'number') done(null, answer);
      else done(new Error(`SCardConnect error: (0x${answer ?? '8010000f'})`));
    },
    disconnect: (_disposition, done) => done(null),
    transmit: (data, _length, _protocol, done) => {
      sent.push(toHex(data));
      done(null, Buffer.from('9000', 'hex'));
    },
    get_status: () => undefined,
    close: () => undefined,
  };
  return { made, asked, sent };
}

describe('connecting to a card', () => {
  it('takes what card and reader agree on', async () => {
    const { made, asked } = reader({ [BOTH]: T1 });
    expect(await connect(made)).to.equal(T1);
    expect(asked).to.deep.equal([BOTH]);
  });

  for (const [name, code] of [
    ['a protocol mismatch', '8010000f'],
    ['a card that is mute to the first offer', '80100066'],
    ['a communication error', '8010002f'],
  ] as const) {
    it(`tries T=0 alone after ${name}`, async () => {
      const { made, asked, sent } = reader({ [BOTH]: code, [T0]: T0 });
      await using card = await HeldCard.open(made);
      await card.transmit(Uint8Array.from([0, 0xa4, 4, 0, 1, 0xa0, 0]));
      expect([asked, sent]).to.deep.equal([[BOTH, T0], ['00A4040001A0']]);
    });
  }

  it('gives the first reason when both fail', async () => {
    const { made, asked } = reader({ [BOTH]: '80100066', [T0]: '8010000f' });
    expect(await failure(connect(made))).to.include({ code: 'card-timeout' });
    expect(asked).to.deep.equal([BOTH, T0]);
  });

  for (const [code, expected] of [
    ['8010000b', 'reader-in-use'],
    ['8010000c', 'card-absent'],
    ['80100069', 'card-removed'],
    ['80100009', 'reader-not-found'],
  ] as const) {
    it(`does not try again what another protocol cannot mend: ${expected}`, async () => {
      const { made, asked } = reader({ [BOTH]: code, [T0]: T0 });
      expect(await failure(connect(made))).to.include({ code: expected });
      expect(asked).to.deep.equal([BOTH]);
    });
  }
});

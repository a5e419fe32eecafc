// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { type CardIdentity, decodeIdentity, identityCommands } from '../../card/identity.ts';
import { WireError } from '../../errors.ts';
import { checkerOf } from '../../rest/validation.ts';
import { runScript } from '../../transport/script-runner.ts';
import { TcpChannel } from '../../transport/tcp.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { encodeIccid, iccid } from '../../wire/iccid.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { CardId } from '../../wire/message/common.ts';
import { FramedCard } from '../transport/framed-card.ts';
import cards from '../vectors/card/identity.json' with { type: 'json' };

interface CardOnPaper {
  readonly name: string;
  /** Beginnings of commands and what the card answers; the longest that fits counts, `*` is the rest. */
  readonly answers: Readonly<Record<string, string | undefined>>;
  readonly cardId?: CardId;
  readonly error?: string;
}

async function nameOf({ answers }: CardOnPaper): Promise<CardIdentity> {
  const known = Object.keys(answers).toSorted((a, b) => b.length - a.length);
  await using card = await FramedCard.start((command) => {
    const hex = toHex(command);
    return fromHex(answers[known.find((start) => hex.startsWith(start)) ?? '*'] ?? '6D00');
  });
  await using channel = await TcpChannel.open(card.address);
  const { responses, stopped, failure } = await runScript(channel, identityCommands);
  expect([stopped, failure]).to.deep.equal([false, undefined]);
  return decodeIdentity(responses);
}

const isCardId = checkerOf(CardId);
const codeOf = (work: () => unknown): unknown => {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof WireError ? error.code : error;
  }
};

describe('naming a card', () => {
  for (const card of cards as readonly CardOnPaper[]) {
    it(card.name, async () => {
      const named: unknown = await nameOf(card).catch((error: unknown) => error);
      if (card.error === undefined) expect(named).to.have.deep.property('cardId', card.cardId);
      else expect(named).to.be.instanceOf(WireError).with.property('code', card.error);
    });
  }

  it('gives a name that messages take, or none, whatever a card answers', () => {
    const response = fc.record<CardResponse>({
      data: fc.uint8Array({ maxLength: 60 }).map(toHex),
      sw: fc.constantFrom('9000', '9000', '6A88', '6985', '6310'),
    });
    const tlv = (tag: string, length: number) =>
      fc.uint8Array({ minLength: 0, maxLength: length }).map((value) => ({
        data: tag + toHex(Uint8Array.of(value.length)) + toHex(value),
        sw: '9000',
      }));
    const answers = fc.tuple(
      response,
      fc.oneof(response, tlv('42', 40)),
      fc.oneof(response, tlv('45', 60)),
      fc.oneof(response, tlv('9F7F', 42)),
      response,
      response,
      fc.oneof(
        response,
        fc.uint8Array({ minLength: 10, maxLength: 10 }).map((b) => ({ data: toHex(b), sw: '9000' })),
      ),
    );
    let named = 0;
    fc.assert(
      fc.property(answers, fc.nat(7), (responses, length) => {
        for (const given of [responses, responses.slice(0, length)]) {
          const code = codeOf(() => {
            const { cardId } = decodeIdentity(given);
            expect(isCardId.is(cardId), cardId.value).to.equal(true);
            expect(cardId.value).to.match(/[1-9A-E]/);
            named += 1;
          });
          expect(code).to.be.oneOf([undefined, 'no-card-identity']);
        }
      }),
      { numRuns: soakRuns(1000) },
    );
    expect(named).to.be.greaterThan(100);
  });

  it('names cards with different ICCIDs differently, letters too', () => {
    const digit = (from: string) => fc.constantFrom(...from);
    const number = fc
      .tuple(fc.array(digit('0123456789ABCDEF'), { minLength: 17, maxLength: 19 }), digit('123456789ABCDE'))
      .map(([start, last]) => start.join('') + last);
    const ok = { data: '', sw: '9000' };
    fc.assert(
      fc.property(number, (digits) => {
        const file = { data: toHex(encodeIccid(iccid(digits))), sw: '9000' };
        const { cardId } = decodeIdentity([ok, ok, ok, ok, ok, ok, file]);
        expect(cardId).to.deep.equal({ kind: 'iccid', value: digits });
      }),
    );
  });
});

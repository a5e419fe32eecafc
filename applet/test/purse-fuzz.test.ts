// SPDX-License-Identifier: Apache-2.0
/** Any commands in any order: the purse agrees with a few lines of arithmetic, and no bytes bring it out of step. */
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../setup/soak/runs.ts';
import { apdu } from './support/card.ts';
import { PURSE, type PurseTerminal, TERMINAL, WHEN, withPurse } from './support/purse-card.ts';
import { sessionMac } from './support/purse-host.ts';
import { hex } from './support/tlv.ts';

const LIMIT = 1_000;
const hex8 = (value: number): string => value.toString(16).toUpperCase().padStart(8, '0');

interface Transaction {
  readonly kind: 'load' | 'pay';
  readonly amount: number;
  readonly commit: 'right' | 'wrong' | 'none';
}
type Act = Transaction | { readonly kind: 'reset' | 'replay' };

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('load' as const, 'pay' as const),
    amount: fc.nat(LIMIT),
    commit: fc.constantFrom('right' as const, 'right' as const, 'wrong' as const, 'none' as const),
  }),
  fc.record({ kind: fc.constantFrom('reset' as const, 'replay' as const) }),
);

/** What the purse must hold. */
class Model {
  balance = 0;
  online = 0;
  offline = 0;
  last: Buffer | undefined;
}

async function play(terminal: PurseTerminal, model: Model, step: Act): Promise<void> {
  const { card } = terminal;
  if ('commit' in step) {
    await transact(terminal, model, step);
  } else if (step.kind === 'reset') {
    await card.simulated.reset();
    await card.select(PURSE);
  } else {
    // A dialogue may be open that has another session key.
    if (model.last !== undefined) expect((await card.send(model.last)).sw).match(/^(6985|9302)$/);
  }
}

async function transact(terminal: PurseTerminal, model: Model, step: Transaction) {
  const { card } = terminal;
  const load = step.kind === 'load';
  const amount = hex8(step.amount);
  const after = load ? model.balance + step.amount : model.balance - step.amount;
  const refused = load ? (after > LIMIT ? '6985' : '') : after < 0 ? '9401' : '';
  const answer = await card.send(`8050${load ? '00' : '01'}020B01${amount}${TERMINAL}${load ? '10' : '0F'}`);
  expect(answer.sw).equal(refused === '' ? '9000' : refused);
  if (refused !== '' || step.commit === 'none') return;
  const data = hex(answer.data);
  expect(data.slice(0, 12)).equal(`${hex8(model.balance)}${hex8(load ? model.online : model.offline).slice(-4)}`);
  const session = load
    ? { random: data.slice(16, 24), counter: data.slice(8, 12), type: '02' }
    : { random: data.slice(22), counter: data.slice(8, 12), type: '06', terminalCounter: '00000001' };
  const mac = sessionMac('aes', terminal.keys.load, session, `${amount}${session.type}${TERMINAL}${WHEN}`);
  const sent = step.commit === 'right' ? mac : `${mac.slice(0, 7)}${mac.endsWith('0') ? '1' : '0'}`;
  const commit = load ? apdu('80520000', `${WHEN}${sent}`, true) : apdu('80540100', `00000001${WHEN}${sent}`, true);
  await card.ok(commit, step.commit === 'right' ? '9000' : '9302');
  model.last = commit;
  if (step.commit !== 'right') return;
  model.balance = after;
  if (load) model.online += 1;
  else model.offline += 1;
}

describe('The purse under random commands', () => {
  it(
    'agrees with its model',
    withPurse({ maxima: `00000000${hex8(LIMIT)}` }, async (terminal) => {
      const model = new Model();
      // Fewer wrong MACs in a row than lock a key.
      const acts = fc.array(act, { minLength: 4, maxLength: 10 });
      await fc.assert(
        fc.asyncProperty(acts, async (steps) => {
          for (const step of steps) await play(terminal, model, step);
          expect(await terminal.balance()).equal(hex8(model.balance));
          const right = { kind: 'load', amount: 0, commit: 'right' } as const;
          await play(terminal, model, right);
          await play(terminal, model, { ...right, kind: 'pay' });
        }),
        { numRuns: soakRuns(25), endOnFailure: true },
      );
    }),
  );

  it(
    'answers every command with a status word of its own, and keeps its money',
    withPurse({}, async (terminal) => {
      await terminal.load('00000500');
      const ins = fc.constantFrom(0x20, 0x50, 0x52, 0x54, 0x58, 0x5a, 0x5c, 0xb2, 0xdc, 0xe2, 0xca);
      const cla = fc.constantFrom(0x00, 0x80, 0x84, 0x8c);
      const p = fc.oneof(fc.nat(6), fc.nat(255));
      await fc.assert(
        fc.asyncProperty(
          cla,
          ins,
          p,
          p,
          fc.uint8Array({ maxLength: 20 }),
          fc.boolean(),
          async (c, i, p1, p2, data, le) => {
            const answer = await terminal.card.send(apdu(hex(Uint8Array.of(c, i, p1, p2)), data, le));
            expect(answer.sw).match(/^(9000|67|69|6A|6D|6E|63C|93|94)/);
          },
        ),
        { numRuns: soakRuns(300), endOnFailure: true },
      );
      expect(await terminal.balance()).equal('00000500');
    }),
  );
});

// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { gateSeed, soakRuns } from '../../../../setup/soak/runs.ts';
import type { Command, Operation } from '../../../wire/message/service-instance.ts';
import { moveOf, operationNumbers, stateAfterFailure } from '../../../wire/tsms/instance-state.ts';

const STATES = [1, 10, 11, 12, 14, 21, 22, 25];
/** The figure of the guideline, edge by edge: what a single command does (BSI TR-03165 1.0.4, figure 4). */
const EDGES: readonly (readonly [number, Command, number])[] = [
  ...([
    [1, 'I', 11],
    [25, 'I', 11],
    [11, 'P', 12],
    [14, 'P', 12],
    [11, 'A', 14],
    [12, 'A', 14],
  ] as const),
];
const LISTS = ['', 'I', 'P', 'A', 'IP', 'IA', 'PI', 'PA', 'AI', 'AP', 'IPA', 'IAP', 'PIA', 'PAI', 'AIP', 'API'];

/** Follows the edges; a list begins with I wherever nothing is installed, and nowhere else. */
function walked(state: number, list: string): number | undefined {
  let at: number | undefined = state;
  for (const command of list) at = EDGES.find(([from, by]) => from === at && by === command)?.[2];
  return at;
}

function modelled(state: number, list: string, finalize: boolean, suspended: boolean): number | undefined {
  if (list === '' && (!finalize || (state !== 12 && state !== 14))) return undefined;
  // What is half deployed takes one command at a time.
  if ((state === 12 || state === 14) && list.length > 1) return undefined;
  const reached = walked(state, list);
  if (reached === undefined || !finalize) return reached;
  if (reached === 11) return undefined;
  return suspended ? 22 : 21;
}

const commandsOf = (list: string) => [...list] as Command[];
const resultOf = (state: number, request: Operation): number | undefined | 'illegal' => {
  const move = moveOf(state, request);
  return 'illegal' in move ? 'illegal' : move.to;
};

describe('states of a service instance', () => {
  it('follow the figure for every list of commands, in every state', () => {
    let legal = 0;
    for (const state of STATES)
      for (const list of LISTS)
        for (const [finalize, suspensionControl] of [
          [false, false],
          [true, false],
          [true, true],
        ] as const) {
          const request: Operation = { operation: 'deploy', commands: commandsOf(list), finalize, suspensionControl };
          const expected = modelled(state, list, finalize, suspensionControl) ?? 'illegal';
          expect(resultOf(state, request), `${state} ${list} ${finalize}`).to.equal(expected);
          if (expected !== 'illegal') legal += 1;
        }
    expect(legal).to.equal(48);
  });

  it('let an update begin where a service is deployed or in error, with an installation', () => {
    for (const state of STATES)
      for (const list of LISTS) {
        const request: Operation = {
          operation: 'update',
          version: '2.0.0',
          commands: commandsOf(list),
          finalize: false,
        };
        const expected = [21, 22, 25].includes(state) && list !== '' ? (walked(1, list) ?? 'illegal') : 'illegal';
        expect(resultOf(state, request), `${state} ${list}`).to.equal(expected);
      }
  });

  it('let whatever is deployed be switched, all be terminated, and what is operational be used', () => {
    for (const state of STATES) {
      const switched = [21, 22, 25].includes(state);
      expect(resultOf(state, { operation: 'suspension', suspend: true })).to.equal(switched ? 22 : 'illegal');
      expect(resultOf(state, { operation: 'suspension', suspend: false })).to.equal(switched ? 21 : 'illegal');
      expect(resultOf(state, { operation: 'termination' })).to.equal(undefined);
      expect(resultOf(state, { operation: 'execution', actionCode: 'X' })).to.equal(state === 21 ? 21 : 'illegal');
    }
  });

  it('are never left by a walk of random requests, with failures before and after the chip was changed', () => {
    const commands = fc.shuffledSubarray<Command>(['I', 'P', 'A']);
    const request: fc.Arbitrary<Operation> = fc.oneof(
      fc.record({ operation: fc.constant('deploy' as const), commands, finalize: fc.boolean() }),
      fc.record({
        operation: fc.constant('update' as const),
        version: fc.constant('1.0.1'),
        commands,
        finalize: fc.boolean(),
      }),
      fc.record({ operation: fc.constant('suspension' as const), suspend: fc.boolean() }),
      fc.constant({ operation: 'termination' as const }),
    );
    const end = fc.constantFrom('done', 'untouched', 'broken');
    fc.assert(
      fc.property(fc.array(fc.tuple(request, end), { maxLength: 30 }), (walk) => {
        let state = 1;
        for (const [asked, ended] of walk) {
          const move = moveOf(state, asked);
          if ('illegal' in move) continue;
          if (ended === 'done') state = move.to ?? 1;
          else state = stateAfterFailure(state, ended === 'broken');
          expect(STATES).to.include(state);
          // From anywhere there is a way to a deployed service and out.
          expect(resultOf(state, { operation: 'termination' })).to.equal(undefined);
        }
      }),
      { ...gateSeed, numRuns: soakRuns(200) },
    );
  });

  it('have their numbers in notices, without those of finalize', () => {
    const commands: Command[] = ['I', 'P', 'A'];
    const all: [Operation, number[]][] = [
      [{ operation: 'deploy', commands, finalize: true }, [10, 11, 12]],
      [{ operation: 'update', version: '1.0.0', commands, finalize: true }, [20, 21, 22]],
      [{ operation: 'suspension', suspend: true }, [30]],
      [{ operation: 'suspension', suspend: false }, [31]],
      [{ operation: 'termination' }, [40]],
    ];
    for (const [request, numbers] of all) expect(operationNumbers(request)).to.deep.equal(numbers);
  });
});

// SPDX-License-Identifier: Apache-2.0
import type { CardInReader, MultiProviderLab } from '../lab/multi-provider-lab.ts';
import { type Run, runReport } from '../lab/run-report.ts';
import type { SmsCost } from '../lab/sms.ts';
import type { KeyDistributionState } from '../wire/message/key-distribution.ts';
import type { Ladder } from './ladder.ts';

/** The six runs of the demo and what each must come to. */

interface Expected {
  readonly outcome: string;
  readonly refusedAt?: string;
  readonly foundBy?: string;
}

export async function playRuns(
  lab: MultiProviderLab,
  ladder: Ladder,
  first: CardInReader,
  second: CardInReader,
): Promise<Run[]> {
  const play = (title: string, provider: string, card: CardInReader, expected: Expected) =>
    playRun({ lab, ladder, title, provider, card, expected });
  const runs: Run[] = [];
  runs.push(await play('1. Provider A, first time', 'a', first, { outcome: 'distributed' }));
  runs.push(await play('2. Provider A again', 'a', first, { outcome: 'already-present', foundBy: 'database' }));
  await lab.platforms.forget('a', first.cardId).catch(() => {});
  const removed = '3. Provider A, its database row removed';
  runs.push(await play(removed, 'a', first, { outcome: 'already-present', foundBy: 'select' }));
  runs.push(await play('4. Provider B on the same card', 'b', first, { outcome: 'distributed' }));
  const forbidden = '5. Provider C, without permission';
  runs.push(untouched(await play(forbidden, 'c', first, { outcome: 'refused', refusedAt: '43' })));
  const unknown = '6. Provider A on a card that the issuer does not know';
  runs.push(untouched(await play(unknown, 'a', second, { outcome: 'refused', refusedAt: '44' })));
  return runs;
}

/** A refused run may only have read from the card. */
function untouched(run: Run): Run {
  const sent = run.steps.flatMap(({ commands }) => commands);
  const other = sent.find((command) => !/^(SELECT|GET DATA|READ BINARY)\b/.test(command));
  return other === undefined ? run : { ...run, unexpected: `the card got ${other} although the request was refused` };
}

export async function playRun(options: {
  readonly lab: MultiProviderLab;
  readonly ladder: Ladder;
  readonly title: string;
  readonly provider: string;
  readonly card: Pick<CardInReader, 'readerName'>;
  readonly expected: Expected;
}): Promise<Run> {
  const { lab, ladder, title, provider, card, expected } = options;
  ladder.title(title);
  const before = lab.smsCost;
  const state = await lab.platforms.distribute(provider, lab.request(card), {
    onUpdate: (update) => ladder.update(update),
  });
  ladder.rest();
  const unexpected = difference(state, expected);
  const radio = radioOf(before, lab.smsCost);
  ladder.line(summary(state, unexpected));
  return {
    ...runReport(provider.toUpperCase(), state),
    ...(radio === undefined ? {} : { radio }),
    ...(state.cardId === undefined ? {} : { cardId: state.cardId }),
    ...(unexpected === undefined ? {} : { unexpected }),
  };
}

/** What a run put on the radio network; undefined for a bearer without one. */
function radioOf(before: SmsCost | undefined, after: SmsCost | undefined): SmsCost | undefined {
  if (before === undefined || after === undefined) return undefined;
  const less = (key: 'messages' | 'bytes' | 'seconds') => after[key] - before[key];
  const packets = after.packets.slice(before.packets.length);
  return { messages: less('messages'), bytes: less('bytes'), seconds: Math.round(less('seconds') * 10) / 10, packets };
}

function difference(state: KeyDistributionState, expected: Expected): string | undefined {
  for (const name of ['outcome', 'refusedAt', 'foundBy'] as const) {
    if (state[name] !== expected[name])
      return `${name} is ${state[name] ?? 'absent'}, must be ${expected[name] ?? 'absent'}`;
  }
  return undefined;
}

function summary(state: KeyDistributionState, unexpected: string | undefined): string {
  const facts = [
    state.outcome ?? state.state,
    ...(state.refusedAt === undefined ? [] : [`at ${state.refusedAt}`]),
    ...(state.foundBy === undefined ? [] : [`found by ${state.foundBy}`]),
    ...(state.isolation === undefined ? [] : [`isolation: ${state.isolation}`]),
    ...(state.cost === undefined ? [] : [`${state.cost.roundTrips} round trips, ${state.cost.apdus} APDUs`]),
  ];
  const problem = state.problem?.detail === undefined ? '' : `\n     ${state.problem.detail}`;
  return `  => ${facts.join(', ')}${unexpected === undefined ? '' : `   UNEXPECTED: ${unexpected}`}${problem}`;
}

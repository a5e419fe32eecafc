// SPDX-License-Identifier: Apache-2.0
import { TsmError } from '../../errors.ts';
import type { DurableRun } from './execution.ts';
import { type AnyFacts, type Flow, Stop, type Unit } from './flow.ts';
import type { FlowJournal } from './flow-journal.ts';
import { type AttemptPolicy, persist } from './retry.ts';
import { runUnit, type VisitContext } from './unit.ts';

/** Facts of a failure that a journal can hold and a route can turn into a problem document. */
export interface Failure {
  readonly kind: string;
  readonly code: string;
  readonly message: string;
  readonly numeral?: string;
  readonly status?: number;
}

export type FlowEnd =
  | { readonly end: 'done'; readonly facts: AnyFacts }
  | { readonly end: 'stopped'; readonly result: unknown }
  | { readonly end: 'failed'; readonly failure: Failure };

type StepResult = { readonly facts: AnyFacts } | { readonly stop: unknown } | { readonly failure: Failure };

/**
 * Runs the units of a flow, each as one durable step: done again as a whole after a break, recorded as facts together
 * with what the journal has to say. The last one is recorded with the end of the flow, which is the caller's.
 */
export async function runFlow<C extends VisitContext, F>(
  flow: Flow<C, F>,
  start: AnyFacts,
  run: DurableRun,
  context: C,
  { policy, journal }: { readonly policy: AttemptPolicy; readonly journal: FlowJournal },
): Promise<FlowEnd> {
  let facts = start;
  for (const unit of flow.units) {
    const known = facts;
    const done = run.results[unit.name] as StepResult | undefined;
    const result = done ?? (await attempt(unit, known, context, policy, unit === flow.units.at(-1)));
    if ('failure' in result) return { end: 'failed', failure: result.failure };
    if ('stop' in result) return { end: 'stopped', result: result.stop };
    facts = { ...facts, ...result.facts };
    if (unit === flow.units.at(-1) || done !== undefined) continue;
    await run.step(unit.name, async () => result, journal.write);
    journal.committed();
  }
  return { end: 'done', facts };
}

/** Runs the admission rows of a flow at once; a refusal is thrown. */
export async function admit<C extends VisitContext, F>(
  flow: Flow<C, F>,
  start: AnyFacts,
  context: C,
): Promise<AnyFacts> {
  let facts = start;
  for (const unit of flow.admission) {
    const added = await runUnit(unit, facts, context);
    if (!(added instanceof Stop)) facts = { ...facts, ...added };
  }
  return facts;
}

async function attempt(
  unit: Unit,
  facts: AnyFacts,
  context: VisitContext,
  policy: AttemptPolicy,
  final: boolean,
): Promise<StepResult> {
  try {
    const added = await persist(async () => {
      try {
        return await runUnit(unit, facts, context, final);
      } catch (error) {
        await context.channel.close();
        throw error;
      }
    }, policy);
    return added instanceof Stop ? { stop: added.result } : { facts: added };
  } catch (error) {
    policy.onFailure?.(error);
    return { failure: failureOf(error) };
  }
}

export function failureOf(error: unknown): Failure {
  if (!(error instanceof TsmError)) {
    return { kind: 'InvariantError', code: 'internal', message: 'Internal error: see the log of this platform' };
  }
  const { numeral, status } = error.context;
  return {
    kind: error.name,
    code: error.code,
    message: error.message.slice(0, 1000),
    ...(typeof numeral === 'string' ? { numeral } : {}),
    ...(typeof status === 'number' ? { status } : {}),
  };
}

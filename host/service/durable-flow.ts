// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { InvariantError, WorkflowError } from '../errors.ts';
import type { AuditTables } from '../store/audit-log.ts';
import { type Bells, readUntil } from '../store/bells.ts';
import { StepLog, type StepTables } from '../store/step-log.ts';
import { type WorkflowTables, workflowBell } from '../store/workflows.ts';
import { newTraceId, runAs, workNow } from '../trace.ts';
import type { StepRecord } from '../wire/message/key-distribution.ts';
import type { Engine } from '../workflow/engine/durable.ts';
import type { Also, DurableRun } from '../workflow/engine/execution.ts';
import type { AnyFacts, Flow } from '../workflow/engine/flow.ts';
import { FlowJournal } from '../workflow/engine/flow-journal.ts';
import type { AttemptPolicy } from '../workflow/engine/retry.ts';
import { type FlowEnd, runFlow } from '../workflow/engine/run.ts';
import type { VisitContext } from '../workflow/engine/unit.ts';
import { isRefusal } from './problem-of-failure.ts';

/** What every service repeats that runs a numbered flow on the durable engine. */

/** One wait for the end of another flow: whoever waits asks again. */
const OTHERS_END_MS = 10_000;

export type FlowTables = StepTables & AuditTables & WorkflowTables;

export interface DurableFlowOptions<Tables extends FlowTables> {
  readonly database: Kysely<Tables>;
  readonly bells: Bells;
  /** How long a step waits for cards, links and peers that are away. */
  readonly windowMs: number;
  readonly watch: FlowWatch;
}

/** Whoever keeps logs and figures. */
export interface FlowWatch extends Pick<AttemptPolicy, 'onRetry' | 'onFailure'> {
  /** A flow has ended, and its end is written. */
  readonly onEnded?: (summary: FlowSummary) => void;
}

/** One flow, all told. */
export interface FlowSummary {
  readonly kind: string;
  readonly flow: string;
  readonly provider: string;
  readonly traceId: string;
  readonly card?: string;
  /** What came of it; `refused` and `failed` have a code and, mostly, a step. */
  readonly outcome: string;
  readonly code?: string;
  readonly step?: string;
  readonly records: readonly StepRecord[];
  /** From the request to the end, waiting for its turn and for others included. */
  readonly ms: number;
}

/** A flow at work on this node, as it is now: what is not recorded yet too. */
export interface LiveFlow {
  readonly steps: readonly StepRecord[];
  readonly facts: AnyFacts;
}

/** The flow, its input, and what one service does around it. */
export interface FlowRun<C, F> {
  readonly flow: Flow<C, F>;
  readonly start: AnyFacts;
  readonly run: DurableRun;
  context(journal: FlowJournal): C;
  /** Frees what the flow holds, its secure channels in the KMS too, and returns what is written with the end. */
  end(end: FlowEnd): Promise<Also>;
  /** The flow's own word for an end that is no failure; default `done`. */
  outcome?(end: FlowEnd): string;
}

export class DurableFlow<Tables extends FlowTables> {
  readonly #options: DurableFlowOptions<Tables>;
  readonly #journals = new WeakMap<DurableRun, FlowJournal>();
  readonly #summaries = new WeakMap<DurableRun, Pick<FlowSummary, 'outcome' | 'code' | 'step' | 'card' | 'records'>>();
  #engine: Engine | undefined;

  constructor(options: DurableFlowOptions<Tables>) {
    this.#options = options;
  }

  /** The engine needs the bodies before it starts, and the service the engine after. */
  attach(engine: Engine): void {
    this.#engine = engine;
  }

  get engine(): Engine {
    if (this.#engine === undefined) throw new InvariantError('engine-absent', 'The durable engine is not attached');
    return this.#engine;
  }

  /** Runs the flow; what was recorded before a break is not done again. */
  run<C extends VisitContext, F>(part: FlowRun<C, F>): Promise<Also> {
    const { workflowId: flow, row } = part.run;
    const traceId = row.traceId ?? newTraceId();
    return runAs({ traceId, flow, provider: row.fairKey }, () => this.#run(part));
  }

  /** The engine has written the end of this run. */
  ended(run: DurableRun): void {
    const { kind, fairKey: provider, queuedAt, traceId } = run.row;
    const told = this.#summaries.get(run) ?? { outcome: 'failed', code: 'internal', records: [] };
    this.#options.watch.onEnded?.({
      kind,
      flow: run.workflowId,
      provider,
      traceId: traceId ?? '',
      ms: Date.now() - queuedAt.getTime(),
      ...told,
    });
  }

  async #run<C extends VisitContext, F>(part: FlowRun<C, F>): Promise<Also> {
    const { run } = part;
    const { windowMs, watch, bells } = this.#options;
    const database = this.#options.database as unknown as Kysely<unknown>;
    // Rows stand in the log already: those of an admission, or those from before a break.
    const begun = part.flow.admission.length > 0 || Object.keys(run.results).length > 0 || run.tries > 1;
    const steps = begun ? await new StepLog(database as Kysely<StepTables>).list(run.workflowId) : [];
    const journal = new FlowJournal({ workflowId: run.workflowId, database, bells, steps });
    this.#journals.set(run, journal);
    const context = part.context(journal);
    const policy = { windowMs, stopping: this.engine.stopping, cancelled: run.cancelled, ...watch };
    const end = await runFlow(part.flow, part.start, run, context, { policy, journal });
    const also = await part.end(end);
    this.#summaries.set(run, { ...told(end, part.outcome?.(end) ?? 'done'), ...cardNow(), records: journal.steps });
    return async (transaction) => {
      await journal.write(transaction);
      await also(transaction);
    };
  }

  /** The flow while it is at work here and nobody has given it up. */
  live(id: string): LiveFlow | undefined {
    const execution = this.#engine?.execution(id);
    const journal = execution === undefined ? undefined : this.#journals.get(execution);
    if (execution === undefined || journal === undefined || execution.cancelled.aborted) return undefined;
    return { steps: journal.steps, facts: { ...(execution.row.input as AnyFacts), ...factsOf(execution.results) } };
  }

  /** Waits until another workflow has ended, somebody gives this one up, or a while is over. */
  async waitForEnd(id: string, cancelled: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([this.engine.stopping, cancelled]);
    const done = (row: { readonly state: string } | undefined) => row === undefined || row.state === 'ended';
    const wait = { waitMs: OTHERS_END_MS, done, signal };
    await readUntil(this.#options.bells, workflowBell(id), () => this.engine.find(id), wait);
  }

  /** Reads until `done`, at each change of the flow, for at most `waitMs`. */
  wait<T>(id: string, read: () => Promise<T>, wait: { readonly waitMs: number; done(value: T): boolean }): Promise<T> {
    const { waitMs, done } = wait;
    return readUntil(this.#options.bells, workflowBell(id), read, { waitMs, done, signal: this.engine.stopping });
  }
}

function told(end: FlowEnd, outcome: string): Pick<FlowSummary, 'outcome' | 'code' | 'step'> {
  if (end.end !== 'failed') return { outcome };
  const { failure } = end;
  return {
    outcome: isRefusal(failure) ? 'refused' : 'failed',
    code: failure.code,
    ...(failure.numeral === undefined ? {} : { step: failure.numeral }),
  };
}

function cardNow(): Pick<FlowSummary, 'card'> {
  const card = workNow()?.card;
  return card === undefined ? {} : { card };
}

/** A flow that says it runs although nothing works on it, and that cannot be begun again here. */
export const lostFlow = (): WorkflowError =>
  new WorkflowError('flow-lost', 'Nothing works on this flow any more; a new one goes on from what the card holds');

/** Facts of all units that are recorded. */
function factsOf(results: Readonly<Record<string, unknown>>): AnyFacts {
  let facts: AnyFacts = {};
  for (const result of Object.values(results)) {
    if (typeof result === 'object' && result !== null && 'facts' in result) {
      facts = { ...facts, ...(result.facts as AnyFacts) };
    }
  }
  return facts;
}

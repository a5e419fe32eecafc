// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import type { Kysely, Transaction } from 'kysely';
import { InvariantError } from '../../errors.ts';
import type { Bells } from '../../store/bells.ts';
import {
  addWorkflow,
  cancelWorkflow,
  endQueued,
  findWorkflow,
  type NewWorkflow,
  QUEUE_BELL,
  requeueEnded,
  requeueOf,
  requeueUnheard,
  restartUnder,
  takeQueued,
  type WorkflowRow,
  workflowBell,
} from '../../store/workflows.ts';
import { newTraceId, workNow } from '../../trace.ts';
import { type Also, type DurableRun, Execution, type Workflow } from './execution.ts';
import { NodeWatch } from './node-watch.ts';
import { Turns } from './turns.ts';

/**
 * The durable engine: workflows in the platform's own database, one row each (docs/adr/007). A workflow's body is run
 * again after a break; what stands inside `run.step` is not, once its result is recorded. A step is therefore
 * at-least-once, and its result must be plain JSON facts. So many are at work at a time as the window holds; the
 * others wait as rows.
 */

export interface EngineOptions<Tables = unknown> {
  readonly database: Kysely<Tables>;
  /** Rings for this database's queue and workflows; those of other nodes too when it listens to them. */
  readonly bells: Bells;
  /** Version of the bodies: a workflow that another version began starts again from its input. */
  readonly version: string;
  /** Name of this process among those on this database: after a restart it goes on with its own work. */
  readonly nodeId: string;
  /** Workflows at work on this node at a time. */
  readonly window: number;
  readonly workflows: Readonly<Record<string, Workflow>>;
  /** Gets the engine before it takes the first workflow. */
  readonly attach?: (engine: Engine) => void;
  /** Called when a workflow's end is written. */
  readonly onEnded?: (run: DurableRun) => void;
  readonly log?: EngineLog;
  readonly beatMs?: number;
  readonly deadAfterMs?: number;
  /** How long a row of its own must have stood still that it has not at work; two minutes when absent. */
  readonly unheardMs?: number;
}

export interface EngineLog {
  info(message: string): void;
  error(message: string): void;
}

export interface StartWorkflow {
  readonly id: string;
  readonly kind: string;
  /** Whose turn it takes: keys get the window in equal parts. */
  readonly fairKey: string;
  readonly input: unknown;
}

const LONGEST_PAUSE_MS = 5_000;
/** Longer than an answer of the database may take. */
const UNHEARD_MS = 120_000;
/** Nobody rings it: a pause that ends when the engine stops. */
const RETRY_BELL = 'queue retry';

export class Engine {
  /** This life of this node. */
  readonly owner: string;
  readonly #options: EngineOptions;
  readonly #stop = new AbortController();
  readonly #watch: NodeWatch;
  readonly #executions = new Map<string, Execution>();
  #serving: Promise<void> = Promise.resolve();
  /** True while rows may wait that this node has not looked for. */
  #backlog = true;
  /** Of this node alone. */
  readonly #turns = new Turns();

  private constructor(options: EngineOptions) {
    this.#options = options;
    this.owner = `${options.nodeId}/${randomBytes(6).toString('hex')}`;
    this.#watch = new NodeWatch({
      database: options.database,
      nodeId: options.nodeId,
      owner: this.owner,
      beatMs: options.beatMs ?? 2_000,
      deadAfterMs: options.deadAfterMs ?? 10_000,
      onTakeOver: (count) => options.log?.info(`takes over ${count} workflows of nodes that are gone`),
      onError: (error) => options.log?.error(`node watch: ${String(error)}`),
    });
  }

  /** Takes back what this node left in its last life, and begins to work. */
  static async start<Tables>(options: EngineOptions<Tables>): Promise<Engine> {
    const engine = new Engine(options as unknown as EngineOptions);
    options.attach?.(engine);
    await engine.#watch.start();
    engine.#serving = engine.#serve();
    return engine;
  }

  /** Fires when the engine stops: a step that waits must then hang instead of failing, so that it is resumed. */
  get stopping(): AbortSignal {
    return this.#stop.signal;
  }

  /** Workflows at work here. */
  get atWork(): number {
    return this.#executions.size;
  }

  /** The workflow at work here under this id. */
  execution(id: string): Execution | undefined {
    return this.#executions.get(id);
  }

  /**
   * Adds the workflow in the caller's transaction, if the id is new. The returned function starts it, once the
   * transaction is committed.
   */
  async add(transaction: Transaction<unknown>, { id, kind, fairKey, input }: StartWorkflow): Promise<() => void> {
    if (this.#options.workflows[kind] === undefined)
      throw new InvariantError('workflow-unknown', `No body for ${kind}`);
    const { version } = this.#options;
    const here = !this.#backlog && this.#executions.size < this.#options.window && !this.#stop.signal.aborted;
    const traceId = workNow()?.traceId ?? newTraceId();
    const workflow = { id, kind, fairKey, version, input, traceId };
    const added = await addWorkflow(transaction, workflow, here ? this.owner : null);
    if (!added) return () => {};
    if (!here) return () => this.look();
    const row = newRow(workflow, this.owner);
    return () => this.#run(row);
  }

  /** Starts the workflow, or does nothing when the id is taken. */
  async start(workflow: StartWorkflow): Promise<void> {
    const database = this.#options.database as Kysely<unknown>;
    const go = await database.transaction().execute((transaction) => this.add(transaction, workflow));
    go();
  }

  async find(id: string): Promise<WorkflowRow | undefined> {
    return findWorkflow(this.#options.database, id);
  }

  /**
   * Ends a workflow that waits at once, with what is written with its end, and one that is at work before its next
   * try. True when it waited.
   */
  async cancel(id: string, also?: Also): Promise<boolean> {
    const waited = await this.#options.database.transaction().execute(async (transaction) => {
      if (!(await endQueued(transaction, id))) return false;
      await also?.(transaction);
      return true;
    });
    if (waited) return true;
    await cancelWorkflow(this.#options.database, id);
    this.#executions.get(id)?.cancel();
    return false;
  }

  /** Begins a workflow that has ended again, from its input; say `look` afterwards. False when it has not ended. */
  async retry(transaction: Transaction<unknown>, id: string): Promise<boolean> {
    return requeueEnded(transaction, id, this.#options.version);
  }

  /** Brings back rows that nobody works on although they say so. Returns how many. */
  async reconcile(): Promise<number> {
    const { database, log, unheardMs = UNHEARD_MS } = this.#options;
    const lost = await requeueOf(database, 'dead');
    if (lost > 0) log?.info(`takes back ${lost} workflows that had no node`);
    const unheard = await requeueUnheard(database, this.owner, [...this.#executions.keys()], unheardMs);
    if (unheard > 0) log?.info(`takes ${unheard} workflows of its own that it had not heard of`);
    this.look();
    return lost + unheard;
  }

  /** Hands everything back to the queue, where other nodes find it. */
  async stop(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#options.bells.ring(QUEUE_BELL);
    await this.#serving;
    await this.#watch.stop();
    await requeueOf(this.#options.database, { owner: this.owner }).catch(() => 0);
  }

  /** Looks whether something waits. */
  look(): void {
    this.#backlog = true;
    this.#options.bells.ring(QUEUE_BELL);
  }

  /** Takes what waits whenever there is room; sleeps until somebody rings. */
  async #serve(): Promise<void> {
    const { bells, database, window, log } = this.#options;
    for (let pauseMs = 100; !this.stopping.aborted; ) {
      const rung = bells.heard(QUEUE_BELL, 60_000, this.stopping);
      const room = window - this.#executions.size;
      if (room > 0) {
        try {
          this.#backlog = true;
          const rows = await takeQueued(database, this.owner, room, this.#turns.order);
          for (const row of rows) this.#run(row);
          this.#backlog = rows.length === room;
          pauseMs = 100;
        } catch (error) {
          log?.error(`queue: ${String(error)}`);
          await bells.heard(RETRY_BELL, pauseMs, this.stopping);
          pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
          continue;
        }
      }
      await rung;
    }
  }

  #run(row: WorkflowRow): void {
    const { database, bells, version, workflows, log } = this.#options;
    const body = workflows[row.kind];
    if (body === undefined || this.#executions.has(row.id)) return;
    this.#turns.take(row.fairKey);
    const execution = new Execution({ row, owner: this.owner, database, stopping: this.stopping, bells });
    this.#executions.set(row.id, execution);
    const begin = async () => {
      if (row.version !== version) {
        log?.info(`workflow ${row.id} was begun by version ${row.version}: it starts again under ${version}`);
        await restartUnder(database, row.id, this.owner, version);
        execution.forget();
      }
    };
    const onError = (error: unknown) => log?.error(`workflow ${row.id}: ${String(error)}`);
    void execution
      .run(body, begin, onError)
      .then((ended) => (ended ? this.#options.onEnded?.(execution) : undefined))
      .finally(() => {
        this.#executions.delete(row.id);
        bells.ring(workflowBell(row.id));
        if (this.#backlog) bells.ring(QUEUE_BELL);
      });
  }
}

const newRow = (workflow: NewWorkflow, owner: string): WorkflowRow => ({
  ...workflow,
  owner,
  state: 'running',
  tries: 1,
  cancelled: false,
  results: {},
  traceId: workflow.traceId ?? null,
  queuedAt: new Date(),
  updatedAt: new Date(),
});

// SPDX-License-Identifier: Apache-2.0
import type { Kysely, Transaction } from 'kysely';
import { TransportError } from '../../errors.ts';
import type { Bells } from '../../store/bells.ts';
import { isConnectionError, mayPass } from '../../store/database-errors.ts';
import { type Statement, together } from '../../store/pipelined-driver.ts';
import {
  endWorkflow,
  findWorkflow,
  lockWorkflow,
  type Recorded,
  recordedOf,
  recordingResult,
  type WorkflowRow,
  workflowBell,
} from '../../store/workflows.ts';
import { never, pause } from './retry.ts';

/** What is written together with a record: in its transaction, or not at all. */
export type Also = (transaction: Transaction<unknown>) => Promise<void>;

/**
 * The same for the record of a step, which it takes along: `before` are its statements, and what comes back are their
 * rows.
 */
export type Along = (transaction: Transaction<unknown>, before?: readonly Statement[]) => Promise<unknown[][]>;

/** A workflow's body sees its steps and how to end. */
export interface DurableRun {
  readonly workflowId: string;
  /** The engine's workflow: of a part of another run, that one's. */
  readonly engineId: string;
  readonly row: Pick<WorkflowRow, 'kind' | 'fairKey' | 'queuedAt' | 'traceId'>;
  /** 1, and one more for each time that an operator had it tried again. */
  readonly tries: number;
  /** Fires when somebody has given the workflow up. */
  readonly cancelled: AbortSignal;
  /** Facts that were recorded before a break. */
  readonly results: Readonly<Record<string, unknown>>;
  /** Runs `act`, or returns what it returned before the break. `act` must not throw what may pass by itself. */
  step<T>(name: string, act: () => Promise<T>, along?: Along): Promise<T>;
}

export interface Workflow {
  /** Runs the steps; what it returns is written with the end. */
  run(input: unknown, run: DurableRun): Promise<Also>;
  /** What is written instead when `run` fails again and again with an error that it did not expect. */
  broken(id: string, error: unknown): Also;
}

export interface ExecutionOptions {
  readonly row: WorkflowRow;
  readonly owner: string;
  readonly database: Kysely<unknown>;
  readonly stopping: AbortSignal;
  readonly bells: Bells;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** A body that throws so often, with the database there, will not do better. */
const BROKEN_AFTER = 5;

const alone: Along = (transaction, before = []) => together(transaction, before);

/** The row belongs to another node now: this run writes nothing any more. */
class Superseded extends TransportError {}

/** One workflow at work on this node. */
export class Execution implements DurableRun {
  readonly workflowId: string;
  readonly tries: number;
  readonly #options: ExecutionOptions;
  readonly #cancel = new AbortController();
  #results: Record<string, unknown>;

  constructor(options: ExecutionOptions) {
    this.#options = options;
    this.workflowId = options.row.id;
    this.tries = options.row.tries;
    this.#results = { ...options.row.results };
    if (options.row.cancelled) this.#cancel.abort();
  }

  get engineId(): string {
    return this.workflowId;
  }

  get cancelled(): AbortSignal {
    return this.#cancel.signal;
  }

  get results(): Readonly<Record<string, unknown>> {
    return this.#results;
  }

  get row(): WorkflowRow {
    return this.#options.row;
  }

  cancel(): void {
    this.#cancel.abort();
  }

  /** Begins from the input again. */
  forget(): void {
    this.#results = {};
  }

  async step<T>(name: string, act: () => Promise<T>, along: Along = alone): Promise<T> {
    // What was recorded under this name is what this step returned.
    if (Object.hasOwn(this.#results, name)) return this.#results[name] as T;
    const result = await act();
    const record = recordingResult(this.#key, { [name]: result ?? null });
    await this.#record(async (transaction, again) => {
      // A COMMIT whose answer was lost may still be going on.
      const before = again ? await lockWorkflow(transaction, this.workflowId) : undefined;
      if (before?.owner === this.#options.owner && Object.hasOwn(before.results, name)) return this.#told(before);
      const [rows] = await along(transaction, [record]);
      return this.#told(recordedOf(rows));
    });
    this.#results[name] = result;
    this.#options.bells.news(workflowBell(this.workflowId));
    return result;
  }

  /** What the row says of this run. False: it is another's. */
  #told(known: Recorded): boolean {
    if (known?.cancelled === true) this.#cancel.abort();
    return known !== undefined;
  }

  get #key() {
    return { id: this.workflowId, owner: this.#options.owner };
  }

  /**
   * Runs the body to its end; a body that fails because the database is away is run again. Never throws. False: another
   * node's now.
   */
  async run(workflow: Workflow, begin: () => Promise<void>, onError: (error: unknown) => void): Promise<boolean> {
    let failures = 0;
    let last: unknown;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
      try {
        await begin();
        const broken = failures >= BROKEN_AFTER;
        const also = broken
          ? workflow.broken(this.workflowId, last)
          : await workflow.run(this.#options.row.input, this);
        await this.#record(async (transaction, again) => {
          if (await endWorkflow(transaction, this.workflowId, this.#options.owner)) {
            await also(transaction);
            return true;
          }
          return again && (await findWorkflow(transaction, this.workflowId))?.state === 'ended';
        });
        return true;
      } catch (error) {
        if (error instanceof Superseded) return false;
        last = error;
        if (!isConnectionError(error)) failures += 1;
        onError(error);
        await pause(pauseMs, this.#options.stopping);
      }
    }
  }

  /**
   * Writes until it is written: a database that is away comes back, and what was done must not be lost.
   *
   * @param write false when the row is another node's; `again` says that the answer to a try before may have been lost,
   *   and not what that one wrote
   */
  async #record(write: (transaction: Transaction<unknown>, again: boolean) => Promise<boolean>): Promise<void> {
    const { database, stopping } = this.#options;
    let again = false;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
      if (stopping.aborted) await never();
      try {
        await database.transaction().execute(async (transaction) => {
          // Thrown inside: what went along is not written either.
          if (!(await write(transaction, again)))
            throw new Superseded('superseded', 'Another node works on this workflow');
        });
        return;
      } catch (error) {
        if (!mayPass(error)) throw error;
        again = true;
        await pause(pauseMs, stopping);
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { Kysely, Transaction } from 'kysely';
import { ConflictError, NotFoundError } from '../errors.ts';
import type { AuditLog } from '../store/audit-log.ts';
import { type FlowFilter, findFlow, listFlows } from '../store/flows.ts';
import { StepLog } from '../store/step-log.ts';
import type { Problem } from '../wire/message/common.ts';
import type { FlowDetail, FlowList } from '../wire/message/flow.ts';
import { cancelled } from '../workflow/engine/retry.ts';
import { failureOf } from '../workflow/engine/run.ts';
import type { DurableFlow, FlowTables } from './durable-flow.ts';
import { problemOfFailure } from './problem-of-failure.ts';

/** The platform's own row of a flow. */
export interface FlowRows<Tables> {
  /** Ends the row with this problem, unless it has ended. */
  fail(transaction: Transaction<Tables>, id: string, problem: Problem): Promise<void>;
  /** Opens the row of a flow that failed again. False when it did not fail. */
  reopen(transaction: Transaction<Tables>, id: string): Promise<boolean>;
  /**
   * Frees what a flow that was given up while it waited may hold since before a break: its card, channels in the KMS.
   */
  release?(id: string, input: unknown): Promise<void>;
}

export interface FlowOperationsOptions<Tables extends FlowTables> {
  readonly database: Kysely<Tables>;
  readonly flow: DurableFlow<Tables>;
  readonly rows: FlowRows<Tables>;
  readonly auditLog: AuditLog;
}

/** Operators list the flows of a platform, look into them, give them up and have them tried again. */
export class FlowOperations<Tables extends FlowTables> {
  readonly #options: FlowOperationsOptions<Tables>;

  constructor(options: FlowOperationsOptions<Tables>) {
    this.#options = options;
  }

  async list(filter: FlowFilter): Promise<FlowList> {
    const flows = await listFlows(this.#options.database, filter);
    const last = flows.length === filter.limit ? flows.at(-1)?.id : undefined;
    return { flows, ...(last === undefined ? {} : { next: last }) };
  }

  /** @throws NotFoundError `no-such-flow` */
  async show(id: string): Promise<FlowDetail> {
    const { database, flow } = this.#options;
    const found = await findFlow(database, id);
    if (found === undefined) throw new NotFoundError('no-such-flow', 'There is no flow of this id');
    const stored = () => new StepLog(database as unknown as Kysely<FlowTables>).list(id);
    return { ...found, steps: [...(flow.live(id)?.steps ?? (await stored()))] };
  }

  /** Ends a flow that waits at once; one at work makes no further trip. One that has ended stays as it is. */
  async cancel(id: string, caller: string): Promise<FlowDetail> {
    const { flow, rows } = this.#options;
    const { state } = await this.show(id);
    if (state !== 'queued' && state !== 'running') return this.show(id);
    const problem = problemOfFailure(failureOf(cancelled()));
    await this.#audit('cancel flow', id, caller);
    const waited = await flow.engine.cancel(id, (transaction) =>
      rows.fail(transaction as unknown as Transaction<Tables>, id, problem),
    );
    // Nobody runs it, so nobody else would.
    const input = waited ? (await flow.engine.find(id))?.input : undefined;
    if (input !== undefined) await rows.release?.(id, input);
    return this.show(id);
  }

  /**
   * Begins a flow that failed again, from its input; what is on the card already is found there.
   *
   * @throws ConflictError `flow-not-failed`
   */
  async retry(id: string, caller: string): Promise<FlowDetail> {
    const { database, flow, rows } = this.#options;
    await this.show(id);
    const again = await database.transaction().execute(async (transaction) => {
      if (!(await rows.reopen(transaction, id))) return false;
      return flow.engine.retry(transaction as unknown as Transaction<unknown>, id);
    });
    if (!again) throw new ConflictError('flow-not-failed', 'Only a flow that failed can be tried again');
    flow.engine.look();
    await this.#audit('retry flow', id, caller);
    return this.show(id);
  }

  #audit(act: string, id: string, caller: string): Promise<void> {
    const { auditLog } = this.#options;
    return auditLog.append({ phase: 'after', act, subject: id, workflowId: id, numeral: '', details: { caller } });
  }
}

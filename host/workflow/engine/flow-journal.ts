// SPDX-License-Identifier: Apache-2.0
import type { Kysely, Transaction } from 'kysely';
import { type AuditEntry, type AuditTables, appendRecords } from '../../store/audit-log.ts';
import type { Bells } from '../../store/bells.ts';
import { addingSteps, copyingSteps } from '../../store/step-log.ts';
import { workflowBell } from '../../store/workflows.ts';
import type { StepRecord } from '../../wire/message/key-distribution.ts';
import type { Along } from './execution.ts';
import type { Announcements } from './unit.ts';

export interface FlowJournalOptions {
  readonly workflowId: string;
  readonly database: Kysely<unknown>;
  readonly bells: Bells;
  /** Rows that were written before a break. */
  readonly steps: readonly StepRecord[];
}

/** More commands than this are not shown for one row. */
const MAX_COMMANDS = 64;

/**
 * What one flow at work has to say: the cost of its rows, for whoever watches, and its audit records. Both are kept
 * here and written together: audit records of acts that are about to be done before the card or the CA is asked, the
 * rest with the result of the step.
 */
export class FlowJournal implements Announcements {
  gathering = false;
  readonly #options: FlowJournalOptions;
  readonly #shown: StepRecord[];
  #audit: AuditEntry[] = [];
  readonly #own = new Map<string, StepRecord>();
  readonly #copied = new Map<string, StepRecord>();

  constructor(options: FlowJournalOptions) {
    this.#options = options;
    this.#shown = [...options.steps];
  }

  /** Rows as they are now, in the order in which they were first done. */
  get steps(): readonly StepRecord[] {
    return this.#shown;
  }

  /** Adds what a row cost. */
  report(step: StepRecord): void {
    this.#own.set(step.numeral, sum(this.#own.get(step.numeral), step));
    this.#show(step, sum);
  }

  /** Takes over rows that another platform keeps. */
  copy(steps: readonly StepRecord[]): void {
    for (const step of steps) {
      this.#copied.set(step.numeral, step);
      this.#show(step, (_known, newest) => newest);
    }
  }

  /** Keeps an audit record for the next write; what announces an act without a trip is written at once. */
  async append(entry: AuditEntry): Promise<void> {
    this.#audit.push(entry);
    if (entry.phase === 'before' && !this.gathering) await this.flush();
  }

  #show(step: StepRecord, merge: (known: StepRecord, step: StepRecord) => StepRecord): void {
    const index = this.#shown.findIndex(({ numeral }) => numeral === step.numeral);
    const known = this.#shown[index];
    if (known === undefined) this.#shown.push(step);
    else this.#shown[index] = merge(known, step);
    this.#options.bells.news(workflowBell(this.#options.workflowId));
  }

  /** Writes the audit records that wait: called before anything is done that they announce. */
  async flush(): Promise<void> {
    if (this.#audit.length === 0) return;
    await this.#options.database.transaction().execute((transaction) => this.write(transaction));
    this.committed();
  }

  /** Writes all that waits. The caller says `committed` once the transaction is: the flow stands still meanwhile. */
  write: Along = (transaction, before = []) => {
    const { workflowId } = this.#options;
    const own = addingSteps(workflowId, [...this.#own.values()]);
    const copied = copyingSteps(workflowId, [...this.#copied.values()]);
    return appendRecords(transaction as Transaction<AuditTables>, this.#audit, [...before, ...own, ...copied]);
  };

  committed(): void {
    this.#audit = [];
    this.#own.clear();
    this.#copied.clear();
  }
}

/** A row that was done again: its costs add up. */
function sum(known: StepRecord | undefined, step: StepRecord): StepRecord {
  if (known === undefined) return step;
  return {
    ...known,
    commands: [...known.commands, ...step.commands].slice(-MAX_COMMANDS),
    apdus: known.apdus + step.apdus,
    roundTrips: known.roundTrips + step.roundTrips,
    bytesOut: known.bytesOut + step.bytesOut,
    bytesIn: known.bytesIn + step.bytesIn,
    ms: Math.round((known.ms + step.ms) * 100) / 100,
    ...(step.bearer === undefined ? {} : { bearer: step.bearer }),
  };
}

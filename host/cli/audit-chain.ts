// SPDX-License-Identifier: Apache-2.0
import { ConflictError, UsageError } from '../errors.ts';
import { type AuditAnchor, type AuditRecord, firstBrokenRecord, PRUNED } from '../store/audit-log.ts';

/** The end of a platform's chain: compare it with one that was noted elsewhere, and nothing was cut off. */
export type AuditEnd = AuditAnchor;

const GENESIS: AuditEnd = { number: 0, hash: '0'.repeat(64) };
/** Records that are asked for at once: the most that a platform gives. */
export const PAGE = 500;

/** Whoever verifies need not believe the platform: each hash is computed here. */
export interface AuditPages {
  /** At most {@link PAGE} records behind this one, oldest first. */
  after(number: number): Promise<readonly AuditRecord[]>;
}

/**
 * Follows the chain from its beginning to its end. A log of which old records were taken away begins with the one
 * behind those; that and the hash of the last one that went stand in the log, as `prune audit log`.
 *
 * @param noted an end that it had before
 * @throws ConflictError `audit-broken`, naming the first record that does not follow; `audit-cut` when the noted end
 *   is not in it, or was taken away since
 */
export async function verifyAuditChain(pages: AuditPages, noted: AuditEnd = GENESIS): Promise<AuditEnd> {
  let end: AuditEnd | undefined;
  let begin = GENESIS;
  let isWhole = true;
  let found = noted.number === 0;
  for (;;) {
    const records = await pages.after(end?.number ?? 0);
    const [first] = records;
    if (end === undefined && first !== undefined) {
      begin = { number: first.number - 1, hash: first.previousHash };
      isWhole = isSame(begin, GENESIS);
    }
    end ??= begin;
    const broken = firstBrokenRecord(records, end);
    if (broken !== undefined) throw new ConflictError('audit-broken', `record ${broken} does not follow`, { broken });
    for (const { act, details, number, hash } of records) {
      isWhole ||= act === PRUNED && isSame(begin, { number: Number(details.upTo), hash: String(details.hash) });
      end = { number, hash };
      found ||= isSame(end, noted);
    }
    if (records.length < PAGE) break;
  }
  if (!isWhole) {
    throw new ConflictError('audit-broken', `the log begins with record ${begin.number + 1}, and does not say why`);
  }
  if (found || isSame(begin, noted)) return end;
  const why = noted.number < begin.number ? 'the retention took it away: note a later end' : 'records were cut off';
  throw new ConflictError('audit-cut', `the log does not hold record ${noted.number} as it was noted: ${why}`);
}

const isSame = (a: AuditEnd, b: AuditEnd): boolean => a.number === b.number && a.hash === b.hash;

/** @throws UsageError `bad-head` */
export function notedEnd(text: string): AuditEnd {
  const [, number, hash] = /^([0-9]{1,12}):([0-9A-F]{64})$/.exec(text) ?? [];
  if (hash === undefined) throw new UsageError('bad-head', '--head takes what `tsm audit verify` printed');
  return { number: Number(number), hash };
}

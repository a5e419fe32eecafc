// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { UnacceptableError } from '../../../errors.ts';
import type { AuditLog } from '../../../store/audit-log.ts';
import type { ProviderTables } from '../../../store/provider/schema.ts';
import { putCardRanges } from '../../../store/provider/service-processes.ts';
import type { CardRanges } from '../../../wire/message/service-providers.ts';

/** Which cards are chips of which profile: entered by operators, read when an instance is made. */
export class ChipRanges {
  readonly #database: Kysely<ProviderTables>;
  readonly #auditLog: AuditLog;

  constructor(database: Kysely<ProviderTables>, auditLog: AuditLog) {
    this.#database = database;
    this.#auditLog = auditLog;
  }

  /** Those of before are forgotten. @throws UnacceptableError `card-range` @throws NotFoundError `no-such-profile` */
  async put(scpId: string, { ranges }: CardRanges, by: string): Promise<void> {
    const wrong = ranges.findIndex(({ first, last }) => first.length !== last.length || first > last);
    if (wrong >= 0)
      throw new UnacceptableError(
        'card-range',
        `/ranges/${wrong}: first and last have one length, and first is not the greater one`,
      );
    await this.#database.transaction().execute((transaction) => putCardRanges(transaction, scpId, ranges));
    const record = { phase: 'after', act: 'put cards of a profile', subject: scpId } as const;
    await this.#auditLog.append({ ...record, workflowId: '', numeral: '', details: { by, ranges: ranges.length } });
  }
}

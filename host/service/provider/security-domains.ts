// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { NotFoundError } from '../../errors.ts';
import type { AuditLog } from '../../store/audit-log.ts';
import { cardIdText } from '../../store/card-id.ts';
import type { ProviderTables } from '../../store/provider/schema.ts';
import {
  listSecurityDomainRows,
  removeSecurityDomainRow,
  type SecurityDomainFilter,
} from '../../store/provider/security-domains.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { SecurityDomainRow } from '../../wire/message/key-distribution.ts';

/** The database of created SSDs, for its owner. */
export class SecurityDomains {
  readonly #database: Kysely<ProviderTables>;
  readonly #auditLog: AuditLog;

  constructor(database: Kysely<ProviderTables>, auditLog: AuditLog) {
    this.#database = database;
    this.#auditLog = auditLog;
  }

  async list(filter: SecurityDomainFilter): Promise<SecurityDomainRow[]> {
    return listSecurityDomainRows(this.#database, filter);
  }

  /** Forgets a row; the card keeps its SSD. @throws NotFoundError */
  async forget(cardId: CardId, caller: string): Promise<void> {
    if (!(await removeSecurityDomainRow(this.#database, cardId))) {
      throw new NotFoundError('no-such-security-domain', 'The database has no SSD on this card');
    }
    await this.#auditLog.append({
      phase: 'after',
      act: 'forget SSD',
      subject: cardIdText(cardId),
      workflowId: caller,
      numeral: '',
      details: {},
    });
  }
}

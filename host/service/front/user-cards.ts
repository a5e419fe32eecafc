// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import type { AuditLog } from '../../store/audit-log.ts';
import { cardIdText } from '../../store/card-id.ts';
import type { FrontTables } from '../../store/front/schema.ts';
import { deleteUserCard, listUserCards, putUserCard } from '../../store/front/user-cards.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { UserCards } from '../../wire/message/front.ts';

/** Which user holds which card: the operator's word, each change audited. */
export class UserCardBook {
  readonly #database: Kysely<FrontTables>;
  readonly #auditLog: AuditLog;

  constructor(database: Kysely<FrontTables>, auditLog: AuditLog) {
    this.#database = database;
    this.#auditLog = auditLog;
  }

  async list(subject: string): Promise<UserCards> {
    return { subject, cards: await listUserCards(this.#database, subject) };
  }

  async put(subject: string, cardId: CardId, operator: string): Promise<void> {
    await putUserCard(this.#database, subject, cardIdText(cardId));
    await this.#record('enter card of user', subject, cardId, operator);
  }

  async remove(subject: string, cardId: CardId, operator: string): Promise<void> {
    await deleteUserCard(this.#database, subject, cardIdText(cardId));
    await this.#record('remove card of user', subject, cardId, operator);
  }

  async #record(act: string, user: string, cardId: CardId, operator: string): Promise<void> {
    const entry = { phase: 'after', act, subject: cardIdText(cardId), workflowId: '', numeral: '' } as const;
    await this.#auditLog.append({ ...entry, details: { user, operator } });
  }
}

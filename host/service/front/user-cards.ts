// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { UnacceptableError } from '../../errors.ts';
import type { AuditLog } from '../../store/audit-log.ts';
import type { FrontTables } from '../../store/front/schema.ts';
import { deleteUserCard, listUserCards, putUserCard } from '../../store/front/user-cards.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { UserCards } from '../../wire/message/front.ts';
import type { ElementName } from './card-of-element.ts';

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

  /**
   * @param main the card itself, where `name` is a further name of it
   * @throws UnacceptableError `further-name` for an EID alone: flows find no card by it
   */
  async put(subject: string, name: ElementName, main: CardId | undefined, operator: string): Promise<void> {
    if (name.kind === 'eid' && main === undefined)
      throw new UnacceptableError('further-name', 'An EID is a further name: say of which card, `?of=iccid:89..`');
    const isMain = main === undefined || textOf(main) === textOf(name);
    if (!isMain) await putUserCard(this.#database, subject, textOf(main));
    await putUserCard(this.#database, subject, textOf(name), isMain ? undefined : textOf(main));
    await this.#record('enter card of user', subject, name, operator);
  }

  async remove(subject: string, name: ElementName, operator: string): Promise<void> {
    await deleteUserCard(this.#database, subject, textOf(name));
    await this.#record('remove card of user', subject, name, operator);
  }

  async #record(act: string, user: string, name: ElementName, operator: string): Promise<void> {
    const entry = { phase: 'after', act, subject: textOf(name), workflowId: '', numeral: '' } as const;
    await this.#auditLog.append({ ...entry, details: { user, operator } });
  }
}

const textOf = ({ kind, value }: ElementName): string => `${kind}:${value}`;

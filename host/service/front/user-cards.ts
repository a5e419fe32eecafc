// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { UnacceptableError } from '../../errors.ts';
import type { AuditLog } from '../../store/audit-log.ts';
import type { FrontTables } from '../../store/front/schema.ts';
import { deleteUserCard, listUserCards, putUserCard } from '../../store/front/user-cards.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { UserCards } from '../../wire/message/front.ts';
import { type ElementName, nameOf } from './card-of-element.ts';

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
   * @throws UnacceptableError `card-name` for what is no name of that kind, `further-name` for an EID alone: flows find
   *     no card by it
   */
  async put(subject: string, given: ElementName, of: CardId | undefined, operator: string): Promise<void> {
    const name = asPhonesName(given);
    const main = of && asPhonesName(of);
    if (name.kind === 'eid' && main === undefined)
      throw new UnacceptableError('further-name', 'An EID is a further name: say of which card, `?of=iccid:89..`');
    const isMain = main === undefined || textOf(main) === textOf(name);
    if (!isMain) await putUserCard(this.#database, subject, textOf(main));
    await putUserCard(this.#database, subject, textOf(name), isMain ? undefined : textOf(main));
    await this.#record('enter card of user', subject, name, operator);
  }

  async remove(subject: string, name: ElementName, operator: string): Promise<void> {
    const known = nameOf({ seType: 'undefined', seId: name.value });
    for (const one of new Set([textOf(name), textOf(known?.kind === name.kind ? known : name)]))
      await deleteUserCard(this.#database, subject, one);
    await this.#record('remove card of user', subject, name, operator);
  }

  async #record(act: string, user: string, name: ElementName, operator: string): Promise<void> {
    const entry = { phase: 'after', act, subject: textOf(name), workflowId: '', numeral: '' } as const;
    await this.#auditLog.append({ ...entry, details: { user, operator } });
  }
}

/** In the one way of writing by which a phone's is found: without the filler of an ICCID, and the tag of a CPLC. */
function asPhonesName({ kind, value }: ElementName): ElementName {
  const name = nameOf({ seType: 'undefined', seId: value });
  if (name?.kind === kind) return name;
  throw new UnacceptableError('card-name', `${value} is no name of the kind ${kind}: no phone would be found by it`);
}

const textOf = ({ kind, value }: ElementName): string => `${kind}:${value}`;

// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { nativeIssuerProfile } from '../../card/profile/native-issuer.ts';
import { NotFoundError } from '../../errors.ts';
import { type AuditLog, audited } from '../../store/audit-log.ts';
import { cardIdText } from '../../store/card-id.ts';
import { type Card, findCardRow, putCard } from '../../store/issuer/cards.ts';
import type { IssuerTables } from '../../store/issuer/schema.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { CardRegistration } from '../../wire/message/operator.ts';

/** Card management: which cards are ours and what their ISDs are. */
export class Cards {
  readonly #database: Kysely<IssuerTables>;
  readonly #auditLog: AuditLog;

  constructor(database: Kysely<IssuerTables>, auditLog: AuditLog) {
    this.#database = database;
    this.#auditLog = auditLog;
  }

  /**
   * @param caller URI name of the operator
   * @throws ConflictError `aid-taken`
   * @throws NotFoundError `profile-unknown`
   */
  async put(card: CardRegistration, caller: string): Promise<void> {
    const keySet = 'isdKeySet' in card ? card.isdKeySet : undefined;
    if (keySet !== undefined) nativeIssuerProfile(keySet.profile);
    const known = await findCardRow(this.#database, card.cardId);
    const change = {
      act: known === undefined ? 'register card' : 'change card',
      subject: cardIdText(card.cardId),
      workflowId: '',
      numeral: '',
      details: {
        operator: caller,
        isdAid: card.isdAid,
        ...('isdKeySet' in card
          ? { profile: card.isdKeySet.profile, keySet: card.isdKeySet.keySet, keyVersion: card.isdKeySet.keyVersion }
          : { isdKeyReference: card.isdKeyReference, casdAid: card.casdAid ?? '' }),
      },
    };
    await audited(this.#auditLog, change, () => putCard(this.#database, card));
  }

  /** @throws NotFoundError */
  async get(cardId: CardId): Promise<Card> {
    const card = await findCardRow(this.#database, cardId);
    if (card === undefined) throw new NotFoundError('card-unknown', 'The issuer does not know this card');
    return card;
  }
}

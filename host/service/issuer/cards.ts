import type { Kysely } from 'kysely';
import { NotFoundError } from '../../errors.ts';
import { type AuditLog, audited } from '../../store/audit-log.ts';
import { cardIdText } from '../../store/card-id.ts';
import { type Card, findCardRow, putCard } from '../../store/issuer/cards.ts';
import type { IssuerTables } from '../../store/issuer/schema.ts';
import type { CardId } from '../../wire/message/common.ts';

/** Card management: which cards are ours and what their ISDs are. */
export class Cards {
  readonly #database: Kysely<IssuerTables>;
  readonly #auditLog: AuditLog;

  constructor(database: Kysely<IssuerTables>, auditLog: AuditLog) {
    this.#database = database;
    this.#auditLog = auditLog;
  }

  /** @param caller URI name of the operator @throws ConflictError `aid-taken` */
  async put(card: Card, caller: string): Promise<void> {
    const known = await findCardRow(this.#database, card.cardId);
    const change = {
      ...{ act: known === undefined ? 'register card' : 'change card', subject: cardIdText(card.cardId) },
      ...{ workflowId: '', numeral: '' },
      details: {
        operator: caller,
        isdAid: card.isdAid,
        isdKeyReference: card.isdKeyReference,
        casdAid: card.casdAid ?? '',
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

import type { Kysely } from 'kysely';
import { NotFoundError } from '../../errors.ts';
import { type Card, findCardRow, putCard } from '../../store/issuer/cards.ts';
import type { IssuerTables } from '../../store/issuer/schema.ts';
import type { CardId } from '../../wire/message/common.ts';

/** Card management: which cards are ours and what their ISDs are. */
export class Cards {
  readonly #database: Kysely<IssuerTables>;

  constructor(database: Kysely<IssuerTables>) {
    this.#database = database;
  }

  async put(card: Card): Promise<void> {
    await putCard(this.#database, card);
  }

  /** @throws NotFoundError */
  async get(cardId: CardId): Promise<Card> {
    const card = await findCardRow(this.#database, cardId);
    if (card === undefined) throw new NotFoundError('card-unknown', 'The issuer does not know this card');
    return card;
  }
}

// SPDX-License-Identifier: Apache-2.0
import { NotFoundError, TransportError } from '../../errors.ts';
import { cardIdText } from '../../store/card-id.ts';
import type { SubscriptionTable } from '../../store/ota/subscription-table.ts';
import type { CardPlace } from '../../wire/message/card-script.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { ReachedCard, ReaderInfo, TerminalDirectory } from './terminal-directory.ts';

/** Where a card may be, for whoever knows its id alone. */

export interface CardPlacesOptions {
  readonly terminals: Pick<TerminalDirectory, 'list'>;
  readonly subscriptions: Pick<SubscriptionTable, 'ofCard'>;
  /** Phones of a front are readers of this terminal, named by the card that they bring. */
  readonly phones?: {
    readonly terminalId: string;
    reader(terminalId: string, readerName: string): Promise<ReachedCard | undefined>;
  };
}

/** Most places that one question is answered with. */
const MOST = 256;

export class CardPlaces {
  readonly #options: CardPlacesOptions;

  constructor(options: CardPlacesOptions) {
    this.#options = options;
  }

  /**
   * Readers that this card may be in, those that say so first: a phone that brings it, the terminal that its number is
   * entered with. Of the others, which have a card in them, nobody knows which it is before it was asked; those with
   * the number of another card are left out.
   */
  async of(cardId: CardId): Promise<CardPlace[]> {
    const card = cardIdText(cardId);
    const { subscriptions, terminals } = this.#options;
    const [phone, subscription, all] = await Promise.all([
      this.#phone(card),
      subscriptions.ofCard(card),
      terminals.list(),
    ]);
    const isNumbered = (terminalId: string, { msisdn }: ReaderInfo) =>
      subscription !== undefined && subscription.terminalId === terminalId && subscription.msisdn === msisdn;
    const places = all.flatMap(({ terminalId, readers }) =>
      readers
        .filter(({ cardPresent }) => cardPresent)
        .filter((reader) => reader.msisdn === undefined || isNumbered(terminalId, reader))
        .map((reader) => placeOf(terminalId, reader, isNumbered(terminalId, reader)))
        .map((place, turn) => ({ place, turn: place.named ? -1 : turn })),
    );
    // Terminals take turns: one that tells of hundreds of readers hides and holds up nobody else's.
    const sorted = places.sort((one, other) => one.turn - other.turn).map(({ place }) => place);
    return [...phone, ...sorted].slice(0, MOST);
  }

  async #phone(card: string): Promise<CardPlace[]> {
    const { phones } = this.#options;
    if (phones === undefined) return [];
    try {
      const found = await phones.reader(phones.terminalId, card);
      return found?.reader.cardPresent === true ? [placeOf(phones.terminalId, found.reader, true)] : [];
    } catch (error) {
      // No phone was told to bring it, or the front is away: it may be in a reader all the same.
      if (error instanceof NotFoundError || error instanceof TransportError) return [];
      throw error;
    }
  }
}

const placeOf = (terminalId: string, { readerName, insertion }: ReaderInfo, named: boolean): CardPlace => ({
  terminalId,
  readerName,
  insertion,
  named,
});

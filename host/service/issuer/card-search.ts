// SPDX-License-Identifier: Apache-2.0
import { decodeIdentity, identityCommands } from '../../card/identity.ts';
import { PeerError, TransportError, TsmError } from '../../errors.ts';
import { cardIdText } from '../../store/card-id.ts';
import type { CardCommand, CardPlace, ExchangeResult } from '../../wire/message/card-script.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { IssuersReader } from '../../wire/message/security-domain-resource.ts';
import type { CardLink, SharedOtaServer } from '../../workflow/ports.ts';

/** Cards by their id, wherever they are: in a phone, at a terminal that a number names, or in whatever reader. */

/** Longest time of a command in milliseconds: who is said to be it may be far away, others are asked in passing. */
const ASK_MS = { named: 15_000, others: 3_000 };
/** Cards that were asked are remembered, so many at the most. */
const REMEMBERED = 10_000;

export class CardSearch {
  readonly #ota: SharedOtaServer;
  /** What cards said they are, by their insertion, the oldest first. */
  readonly #asked = new Map<string, string>();

  constructor(ota: SharedOtaServer) {
    this.#ota = ota;
  }

  /**
   * Asks cards who they are, those first that are said to be it, until one is. One that is said to be it and is held by
   * another flow is believed: its link asks once more.
   *
   * @param owner of the lease that the card is asked under, and that it is then found with
   * @throws TransportError `card-away` when it is nowhere now
   */
  async find(cardId: CardId, owner: string): Promise<IssuersReader> {
    let busy: CardPlace | undefined;
    for (const place of await this.#ota.placesOf(cardId)) {
      const found = await this.#ask(place, cardIdText(cardId), owner);
      if (found === 'it') return place;
      if (found === 'busy' && place.named) busy ??= place;
    }
    if (busy !== undefined) return busy;
    throw new TransportError('card-away', 'This card is in no reader and no phone now: bring it', {
      card: cardId.value,
    });
  }

  async #ask(place: CardPlace, card: string, owner: string): Promise<'it' | 'other' | 'busy'> {
    const { terminalId, readerName, insertion } = place;
    const key = `${terminalId}/${readerName}/${insertion}`;
    const known = this.#asked.get(key);
    if (known !== undefined) return known === card ? 'it' : 'other';
    try {
      const session = await this.#ota.openCardSession({ terminalId, readerName, owner, waitMs: 0 });
      const said = await this.#identityOf(session, place.named ? ASK_MS.named : ASK_MS.others);
      if (session.insertion === insertion) this.#remember(key, said);
      if (said === card) return 'it';
      await this.#ota.closeCardSession(session.sessionId);
    } catch (error) {
      if (error instanceof PeerError && error.code === 'card-busy') return 'busy';
      // A reader that cannot be asked now is none that the card is found in.
      if (!(error instanceof TsmError)) throw error;
    }
    return 'other';
  }

  /** @returns empty for a card that cannot be told from others */
  async #identityOf(session: { readonly sessionId: string; readonly fence: number }, timeoutMs: number) {
    try {
      const script = identityCommands.map((command) => ({ ...command, timeoutMs }));
      const { responses } = await this.#ota.exchange(session, script);
      return cardIdText(decodeIdentity(responses).cardId);
    } catch (error) {
      await this.#ota.closeCardSession(session.sessionId).catch(() => {});
      throw error;
    }
  }

  #remember(key: string, card: string): void {
    this.#asked.set(key, card);
    const [oldest] = this.#asked.keys();
    if (this.#asked.size > REMEMBERED && oldest !== undefined) this.#asked.delete(oldest);
  }
}

/** A flow's way to a card that is looked for, and looked for anew when it has gone. */
export class FoundCardLink implements CardLink {
  readonly #find: () => Promise<CardLink>;
  #link: CardLink | undefined;

  /** @param find a link to where the card is now; it throws while it is nowhere */
  constructor(find: () => Promise<CardLink>) {
    this.#find = find;
  }

  async exchange(commands: readonly CardCommand[]): Promise<ExchangeResult> {
    const link = this.#link ?? (await this.#find());
    this.#link = link;
    try {
      return await link.exchange(commands);
    } catch (error) {
      if (error instanceof TransportError) await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const link = this.#link;
    this.#link = undefined;
    await link?.close();
  }
}

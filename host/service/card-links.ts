// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { decodeIdentity, identityCommands } from '../card/identity.ts';
import { PeerError, TransportError } from '../errors.ts';
import { cardIdText } from '../store/card-id.ts';
import type { CardCommand, CardSessionInfo, ExchangeResult } from '../wire/message/card-script.ts';
import type { CardId } from '../wire/message/common.ts';
import { isAway, isBusy } from '../workflow/engine/retry.ts';
import type { IdentifiedCardLink } from '../workflow/key-distribution/provider-context.ts';
import type { OtaServer } from '../workflow/ports.ts';

/** Giving a lease back is tried at these distances, each twice the one before: for half a minute in all. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 16_000;

export interface CardLinkOptions {
  readonly ota: OtaServer;
  readonly terminalId: string;
  readonly readerName: string;
  /** The flow that owns the lease. */
  readonly owner: string;
  /** How long to wait for another flow's lease on this card. */
  readonly waitMs: number;
}

/** One flow's way to its card: a session on the OTA server, opened when needed and again after a break. */
export class LeasedCardLink implements IdentifiedCardLink {
  readonly terminalId: string;
  readonly readerName: string;
  readonly #options: CardLinkOptions;
  #session: CardSessionInfo | undefined;
  /** The session whose lease this flow may still have, also when its last script failed. */
  #held: string | undefined;
  /** An opening was sent and its answer has not come: what the server made of it has this flow's name alone. */
  #unheard = false;
  #closed = false;
  #expected: { readonly cardId: CardId; readonly insertion: string } | undefined;
  #insertion = '';
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: CardLinkOptions) {
    this.#options = options;
    this.terminalId = options.terminalId;
    this.readerName = options.readerName;
  }

  get insertion(): string {
    return this.#insertion;
  }

  expectCard(card: { readonly cardId: CardId; readonly insertion: string }): void {
    const known = this.#expected;
    // A later insertion of the same card that was read already stays known.
    if (known !== undefined && cardIdText(known.cardId) === cardIdText(card.cardId)) return;
    this.#expected = { cardId: card.cardId, insertion: card.insertion };
  }

  /** One script at a time: the flow and its relay share the session. */
  async exchange(commands: readonly CardCommand[], last = false): Promise<ExchangeResult> {
    const turn = this.#last.then(() => this.#exchangeNow(commands, last));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #exchangeNow(commands: readonly CardCommand[], last: boolean): Promise<ExchangeResult> {
    const { ota, terminalId, readerName, owner, waitMs } = this.#options;
    try {
      if (this.#session === undefined) {
        // Which card it is must be known before a script that is meant for one goes to it.
        const along = this.#expected === undefined && !last ? { commands: [...commands] } : {};
        this.#closed = false;
        this.#unheard = true;
        const { first, ...session } = await ota.openCardSession({ terminalId, readerName, owner, waitMs, ...along });
        this.#session = session;
        this.#held = session.sessionId;
        this.#unheard = false;
        await this.#requireExpectedCard(session);
        this.#insertion = session.insertion;
        if (first !== undefined) return first;
      }
      const { ended, ...result } = await ota.exchange(this.#session, commands, last);
      if (ended === true) this.#givenBack();
      return result;
    } catch (error) {
      this.#session = undefined;
      throw linkError(error);
    }
  }

  /** With its last script: nothing is left to give back, unless another script takes the card again. */
  #givenBack(): void {
    this.#session = undefined;
    this.#held = undefined;
    this.#closed = true;
  }

  /** Facts of another insertion are stale: the card is read again before anything else is sent to it. */
  async #requireExpectedCard(session: CardSessionInfo): Promise<void> {
    const expected = this.#expected;
    if (expected === undefined || expected.insertion === session.insertion) return;
    const { responses } = await this.#options.ota.exchange(session, identityCommands);
    const { cardId } = decodeIdentity(responses);
    if (cardIdText(cardId) !== cardIdText(expected.cardId)) {
      await this.#options.ota.closeCardSession(session.sessionId);
      throw new TransportError('other-card', `Another card is in ${this.readerName}: put the first one back`, {
        expected: expected.cardId.value,
        got: cardId.value,
      });
    }
    this.#expected = { cardId, insertion: session.insertion };
  }

  /** Gives the lease back for a while; the next exchange takes one again and finds its card. */
  async rest(): Promise<void> {
    if (this.#held !== undefined || this.#unheard) await giveBack(this.#giveBackCall());
  }

  async close(): Promise<void> {
    const call = this.#giveBackCall();
    if (this.#closed) return;
    this.#closed = true;
    await giveBack(call);
  }

  /** From here on nothing is held. */
  #giveBackCall(): () => Promise<void> {
    const { ota, terminalId, readerName, owner } = this.#options;
    const sessionId = this.#unheard ? undefined : this.#held;
    this.#session = undefined;
    this.#held = undefined;
    this.#unheard = false;
    // By name also without a trip of this process's: the card may be the flow's from the life before a kill.
    if (sessionId === undefined) return () => ota.giveBackCard({ terminalId, readerName, owner });
    return () => ota.closeCardSession(sessionId);
  }
}

/**
 * Waits for the first try only: while `ota` is away it goes on beside the caller, else others wait for the lease's end.
 */
async function giveBack(call: () => Promise<void>): Promise<void> {
  const close = (): Promise<boolean> =>
    call().then(
      () => true,
      (error: unknown) => !(error instanceof TransportError || (error instanceof PeerError && isBusy(error))),
    );
  const again = async () => {
    for (let pauseMs = FIRST_PAUSE_MS; pauseMs <= LONGEST_PAUSE_MS; pauseMs *= 2) {
      await delay(pauseMs, undefined, { ref: false });
      if (await close()) return;
    }
  };
  if (!(await close())) void again();
}

/** What may pass by itself is a link failure, for the issuer behind the relay too. */
function linkError(error: unknown): unknown {
  if (error instanceof PeerError && isAway(error)) {
    return new TransportError(error.code, error.message, {}, error);
  }
  return error;
}

/** The links of the flows that this process works on. */
export class CardLinks {
  readonly #links = new Map<string, LeasedCardLink>();
  readonly #ota: OtaServer;
  readonly #waitMs: number;

  constructor(ota: OtaServer, waitMs: number) {
    this.#ota = ota;
    this.#waitMs = waitMs;
  }

  /** The flow's link; the same object for the flow and its relay. */
  of(owner: string, reader: { readonly terminalId: string; readonly readerName: string }): LeasedCardLink {
    let link = this.#links.get(owner);
    if (link === undefined) {
      const { terminalId, readerName } = reader;
      link = new LeasedCardLink({ ota: this.#ota, terminalId, readerName, owner, waitMs: this.#waitMs });
      this.#links.set(owner, link);
    }
    return link;
  }

  /** Gives the flow's lease back. */
  async release(owner: string): Promise<void> {
    const link = this.#links.get(owner);
    this.#links.delete(owner);
    await link?.close();
  }

  /** Gives back what a flow holds that no process works on: a lease that a killed one had taken for it. */
  async giveBack(owner: string, reader: { readonly terminalId: string; readonly readerName: string }): Promise<void> {
    this.of(owner, reader);
    await this.release(owner);
  }
}

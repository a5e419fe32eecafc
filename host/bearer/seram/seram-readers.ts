// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { NotFoundError, PeerError, TransportError, TsmError } from '../../errors.ts';
import type { SeramReadersClient } from '../../rest/clients/seram-readers.ts';
import { readerBell } from '../../service/ota/card-sessions.ts';
import type { ReachedCard, TerminalLink } from '../../service/ota/terminal-directory.ts';
import type { Bells } from '../../store/bells.ts';
import type { TerminalExchange, TerminalResult } from '../../wire/message/card-script.ts';

/**
 * Cards in phones, reached by SERAM through the front, as readers of one more terminal of the OTA server. Their name is
 * the card's, so that its lease is one whichever phone brings it; another phone is another insertion.
 */

/** Name of the terminal whose readers are the phones of this front; no terminal's own name has a colon. */
export const seramTerminal = (frontId: string): string => `seram:${frontId}`;

export const reachesPhone = ({ link }: ReachedCard): boolean => link instanceof SeramLink;

const LOOK_MS = 25_000;

export interface SeramReadersOptions {
  readonly client: SeramReadersClient;
  readonly frontId: string;
  /** Rung when a phone comes that somebody waits for. */
  readonly bells: Bells;
}

export class SeramReaders {
  readonly #options: SeramReadersOptions;
  readonly terminalId: string;
  readonly #looked = new Set<string>();
  #closed = false;

  constructor(options: SeramReadersOptions) {
    this.#options = options;
    this.terminalId = seramTerminal(options.frontId);
  }

  /**
   * The reader and the way to it; undefined for terminals that are none of the front's. @throws NotFoundError,
   * TransportError
   */
  async reader(terminalId: string, readerName: string): Promise<ReachedCard | undefined> {
    if (terminalId !== this.terminalId) return undefined;
    const { present, insertion } = await this.#look(readerName);
    if (!present) void this.#watch(readerName);
    const reader = { readerName, link: 'direct' as const, cardPresent: present, atr: '', insertion };
    return { link: new SeramLink(this.#options.client, terminalId, readerName), reader };
  }

  async #look(readerName: string) {
    try {
      return await this.#options.client.reader(readerName, 0);
    } catch (error) {
      if (!(error instanceof PeerError)) throw away(error);
      if (Number(error.context.status) !== 404) throw away(error);
      void this.#watch(readerName);
      throw new NotFoundError('reader-unknown', 'No phone was told to bring this card', { readerName });
    }
  }

  /** Rings when the phone is there. */
  async #watch(readerName: string): Promise<void> {
    if (this.#looked.has(readerName) || this.#closed) return;
    this.#looked.add(readerName);
    try {
      await this.#options.client.reader(readerName, LOOK_MS);
    } catch (error) {
      // Whoever waits looks again and is told what is wrong.
      if (!(error instanceof TsmError)) throw error;
    } finally {
      this.#looked.delete(readerName);
      this.#options.bells.ring(readerBell(this.terminalId, readerName));
    }
  }

  close(): void {
    this.#closed = true;
  }
}

const away = (cause: unknown): TransportError =>
  new TransportError('front-away', 'The front does not answer: try again', {}, cause);

class SeramLink implements TerminalLink {
  readonly terminalId: string;
  readonly #client: SeramReadersClient;
  readonly #readerName: string;

  constructor(client: SeramReadersClient, terminalId: string, readerName: string) {
    this.#client = client;
    this.terminalId = terminalId;
    this.#readerName = readerName;
  }

  /** Whichever node of the front is asked, the script is one: a node that dies costs a question. */
  async exchange(script: Omit<TerminalExchange, 'type' | 'id'>, timeoutMs: number): Promise<TerminalResult> {
    const { fence, insertion, commands } = script;
    const wanted = { id: randomBytes(16).toString('hex'), fence, insertion, commands, timeoutMs };
    const deadline = performance.now() + timeoutMs + LOOK_MS;
    for (;;) {
      const { pending, result } = await this.#ask(wanted);
      if (!pending && result !== undefined) return { type: 'result', id: 1, ...result };
      if (performance.now() > deadline) throw this.#unknown('the front gave no result in time');
    }
  }

  async #ask(wanted: object) {
    try {
      return await this.#client.run(this.#readerName, wanted);
    } catch (error) {
      throw this.#unknown((error as Error).message, error);
    }
  }

  #unknown(message: string, cause?: unknown): TransportError {
    return new TransportError('outcome-unknown', message, { terminalId: this.terminalId }, cause);
  }

  /** A phone comes by itself. */
  async trigger(): Promise<void> {
    throw new TransportError('outcome-unknown', 'A phone cannot be made to call', { terminalId: this.terminalId });
  }

  // A phone lets go of its card when its operation is over: the front tells it.
  release(): void {}

  close(): void {}
}

// SPDX-License-Identifier: Apache-2.0
import { TransportError } from '../../errors.ts';
import { decodeCommand, encodeCommand } from '../../wire/apdu.ts';
import type { CardChannel } from '../card-channel.ts';
import { DEFAULT_TIMEOUT_MS, TRANSPORT_CODE, Turnstile, transportError, withTimeout } from '../transport-failure.ts';
import { ANSWER_LENGTH, type PcscReader, pcscError, SCARD } from './binding.ts';

/** Connecting with these ends the matter: another protocol would not help. */
const FINAL: ReadonlySet<string> = new Set([
  TRANSPORT_CODE.IN_USE,
  TRANSPORT_CODE.NO_CARD,
  TRANSPORT_CODE.NO_READER,
  TRANSPORT_CODE.REMOVED,
]);

function connectWith(reader: PcscReader, protocol: number): Promise<number> {
  return new Promise((resolve, reject) => {
    reader.connect({ share_mode: SCARD.SHARE_EXCLUSIVE, protocol }, (error, chosen) => {
      if (error) reject(pcscError(error, reader.name));
      // The add-on answers without protocol when it believes to be connected already.
      else if (chosen === undefined) reject(transportError(TRANSPORT_CODE.IN_USE, `${reader.name} is in use`));
      else resolve(chosen);
    });
  });
}

/**
 * Connects with T=0 or T=1, as card and reader agree; where that fails with T=0 alone, since there are readers that
 * cannot agree with a card that offers both.
 *
 * @throws TransportError of the first attempt
 */
export async function connect(reader: PcscReader): Promise<number> {
  try {
    return await connectWith(reader, SCARD.PROTOCOL_T0 | SCARD.PROTOCOL_T1);
  } catch (error) {
    if (error instanceof TransportError && FINAL.has(error.code)) throw error;
    return await connectWith(reader, SCARD.PROTOCOL_T0).catch(() => {
      throw error;
    });
  }
}

function disconnect(reader: PcscReader): Promise<void> {
  return new Promise((resolve, reject) => {
    reader.disconnect(SCARD.RESET_CARD, (error) => (error ? reject(pcscError(error, reader.name)) : resolve()));
  });
}

function transmit(reader: PcscReader, command: Uint8Array, protocol: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    reader.transmit(Buffer.from(command), ANSWER_LENGTH, protocol, (error, response) => {
      if (error) reject(pcscError(error, reader.name));
      // Some drivers report a card that went away as success without a byte.
      else if (response === undefined || response.length < 2)
        reject(transportError(TRANSPORT_CODE.REMOVED, 'The card gave no answer: removed or without power'));
      else resolve(new Uint8Array(response));
    });
  });
}

/** T=0 has no Le in case 4: the card announces its response by 61xx. @see ISO 7816-3 12.2 */
function forProtocol(command: Uint8Array, protocol: number): Uint8Array {
  if (protocol !== SCARD.PROTOCOL_T0) return command;
  const { le, ...rest } = decodeCommand(command);
  return le !== undefined && rest.data.length > 0 ? encodeCommand(rest) : command;
}

/**
 * A card in a PC/SC reader, held exclusively; reset when it is given back. It lives in a process of its own, because
 * PC/SC cannot take a command back: what a silent card holds up is this process and its reader only.
 */
export class HeldCard implements CardChannel {
  /** The process that watches the readers knows it. */
  readonly atr = new Uint8Array();
  readonly #reader: PcscReader;
  readonly #turns = new Turnstile();
  #protocol: number;
  /** A command that was given up, until the card answers it after all. */
  #overdue: Promise<unknown> | undefined;
  #ended: Promise<void> | undefined;

  private constructor(reader: PcscReader, protocol: number) {
    this.#reader = reader;
    this.#protocol = protocol;
  }

  /** Takes as long as PC/SC does: whoever waits for it sets the limit. @throws TransportError */
  static async open(reader: PcscReader): Promise<HeldCard> {
    return new HeldCard(reader, await connect(reader));
  }

  transmit(command: Uint8Array, options: { readonly timeoutMs?: number } = {}): Promise<Uint8Array> {
    return this.#turns.run(() => {
      this.#requireUsable();
      const sent = transmit(this.#reader, forProtocol(command, this.#protocol), this.#protocol);
      return withTimeout(sent, options.timeoutMs ?? DEFAULT_TIMEOUT_MS, () => {
        this.#overdue = sent.catch(() => undefined);
      });
    });
  }

  reset(): Promise<Uint8Array> {
    return this.#turns.run(async () => {
      this.#requireUsable();
      await disconnect(this.#reader);
      this.#protocol = await connect(this.#reader);
      return this.atr;
    });
  }

  /** Settles when the card is given back, however late it answers. @throws TransportError */
  close(): Promise<void> {
    this.#ended ??= this.#turns.run(async () => {
      await this.#overdue;
      await disconnect(this.#reader);
    });
    return this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #requireUsable(): void {
    if (this.#ended !== undefined) throw transportError(TRANSPORT_CODE.CLOSED, 'The channel is closed');
    if (this.#overdue !== undefined)
      throw transportError(TRANSPORT_CODE.TIMEOUT, 'The card did not answer an earlier command: open it again');
  }
}

import { decodeCommand, encodeCommand } from '../wire/apdu.ts';
import type { CardChannel } from './card-channel.ts';
import { ANSWER_LENGTH, type PcscReader, pcscError, SCARD } from './pcsc-binding.ts';
import { DEFAULT_TIMEOUT_MS, TRANSPORT_CODE, Turnstile, transportError, withTimeout } from './transport-failure.ts';

const BOTH_PROTOCOLS = SCARD.PROTOCOL_T0 | SCARD.PROTOCOL_T1;
/** Resetting and connecting take no longer, or the reader hangs. */
const CONTROL_TIMEOUT_MS = 20_000;

function connect(reader: PcscReader): Promise<number> {
  return new Promise((resolve, reject) => {
    reader.connect({ share_mode: SCARD.SHARE_EXCLUSIVE, protocol: BOTH_PROTOCOLS }, (error, protocol) => {
      if (error) reject(pcscError(error, reader.name));
      // The add-on answers without protocol when it believes to be connected already.
      else if (protocol === undefined) reject(transportError(TRANSPORT_CODE.UNAVAILABLE, `${reader.name} is in use`));
      else resolve(protocol);
    });
  });
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

export interface PcscChannelOptions {
  readonly reader: PcscReader;
  /** ATR of the card that is in the reader now. */
  readonly atr: () => Uint8Array;
  /** Settles when the reader has reported that we hold its card. */
  readonly settled: () => Promise<void>;
  /** Called once, when the card is given back; `clean` is false when the reader must be made anew. */
  readonly onClose: (clean: boolean) => void;
}

/** A card in a PC/SC reader, held exclusively; reset when it is given back. */
export class PcscChannel implements CardChannel {
  readonly #options: PcscChannelOptions;
  readonly #turns = new Turnstile();
  #protocol: number;
  #failed = false;
  #ended: Promise<void> | undefined;

  private constructor(options: PcscChannelOptions, protocol: number) {
    this.#options = options;
    this.#protocol = protocol;
  }

  /** @throws TransportError */
  static async open(options: PcscChannelOptions): Promise<PcscChannel> {
    const protocol = await withTimeout(connect(options.reader), CONTROL_TIMEOUT_MS, () => options.onClose(false));
    await options.settled();
    return new PcscChannel(options, protocol);
  }

  get atr(): Uint8Array {
    return this.#options.atr();
  }

  transmit(command: Uint8Array, options: { readonly timeoutMs?: number } = {}): Promise<Uint8Array> {
    return this.#turns.run(() => {
      this.#requireUsable();
      const sent = transmit(this.#options.reader, forProtocol(command, this.#protocol), this.#protocol);
      // PC/SC cannot take a command back, so after a timeout nothing more is sent through this channel.
      return withTimeout(sent, options.timeoutMs ?? DEFAULT_TIMEOUT_MS, () => {
        this.#failed = true;
      });
    });
  }

  reset(): Promise<Uint8Array> {
    return this.#turns.run(async () => {
      this.#requireUsable();
      const { reader } = this.#options;
      const again = disconnect(reader).then(() => connect(reader));
      this.#protocol = await withTimeout(again, CONTROL_TIMEOUT_MS, () => {
        this.#failed = true;
      });
      await this.#options.settled();
      return this.atr;
    });
  }

  close(): Promise<void> {
    this.#ended ??= this.#turns.run(() => this.#release());
    return this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #requireUsable(): void {
    if (this.#ended !== undefined) throw transportError(TRANSPORT_CODE.CLOSED, 'The channel is closed');
    if (this.#failed)
      throw transportError(TRANSPORT_CODE.TIMEOUT, 'The card did not answer an earlier command: open it again');
  }

  async #release(): Promise<void> {
    let clean = true;
    const { reader, onClose } = this.#options;
    const released = disconnect(reader).catch(() => {
      clean = false;
    });
    await withTimeout(released, this.#failed ? 1_000 : CONTROL_TIMEOUT_MS, () => {
      clean = false;
    }).catch(() => undefined);
    onClose(clean && !reader.connected);
  }
}

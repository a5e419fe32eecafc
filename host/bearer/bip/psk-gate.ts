// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { WireError } from '../../errors.ts';
import { type ClientHello, readClientHello } from './client-hello.ts';

/**
 * A TLS client's bytes on their way to the TLS library. The message that names the key, ClientKeyExchange or in TLS 1.3
 * ClientHello, is kept back until the key has been asked for: the library wants it at once, and the key service is
 * elsewhere.
 */

const RECORD_HEADER = 5;
const MESSAGE_HEADER = 4;
const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const CLIENT_KEY_EXCHANGE = 16;
/** A record in clear has at most 2^14 bytes. @see RFC 5246 6.2.1 */
const MAX_RECORD = 16_384;
/** What a client may send before it has named its key; a ClientHello of a card has some hundred bytes. */
const MAX_BEFORE_KEY = 8_192;
/** Amendment B asks agents for 32 bytes at least, SGP.02's form has 116. */
const MAX_IDENTITY = 128;
/** Space to tilde: other bytes have no text that two sides agree on. */
const PRINTABLE = /^[ -~]+$/;

/** Finds the message that names the key in what a client sends, record by record. @see RFC 4279 2, RFC 8446 4.2.11 */
export class KeyNameReader {
  #records = Buffer.alloc(0);
  #messages = Buffer.alloc(0);
  #seen = 0;
  #version: TlsVersion | undefined;

  /** Which is to be spoken, once the client has said hello. */
  get version(): TlsVersion | undefined {
    return this.#version;
  }

  /**
   * Takes more bytes.
   *
   * @returns the identity when it is whole; undefined before
   * @throws WireError when this is no handshake with a PSK, or too long for one
   */
  push(bytes: Uint8Array): string | undefined {
    this.#seen += bytes.length;
    if (this.#seen > MAX_BEFORE_KEY)
      throw new WireError('psk-handshake', 'Too many bytes before a key was named', { limit: MAX_BEFORE_KEY });
    this.#records = Buffer.concat([this.#records, bytes]);
    while (this.#records.length >= RECORD_HEADER) {
      const length = this.#records.readUInt16BE(3);
      if (this.#records[0] !== HANDSHAKE_RECORD || length === 0 || length > MAX_RECORD)
        throw new WireError('psk-handshake', 'Not a handshake record', { got: this.#records[0] });
      if (this.#records.length < RECORD_HEADER + length) return undefined;
      this.#messages = Buffer.concat([this.#messages, this.#records.subarray(RECORD_HEADER, RECORD_HEADER + length)]);
      this.#records = this.#records.subarray(RECORD_HEADER + length);
      const identity = this.#nextIdentity();
      if (identity !== undefined) return identity;
    }
    return undefined;
  }

  #nextIdentity(): string | undefined {
    while (this.#messages.length >= MESSAGE_HEADER) {
      const end = MESSAGE_HEADER + this.#messages.readUIntBE(1, 3);
      if (this.#messages.length < end) return undefined;
      const body = this.#messages.subarray(MESSAGE_HEADER, end);
      if (this.#messages[0] === CLIENT_KEY_EXCHANGE) return identityOf(body);
      if (this.#messages[0] === CLIENT_HELLO) {
        const { version, identities } = readClientHello(body);
        this.#version = version;
        if (identities.length > 0) return oneOf(identities.map((identity) => Buffer.from(identity)));
      }
      this.#messages = this.#messages.subarray(end);
    }
    return undefined;
  }
}

/** `length(2) ‖ identity`, the whole of the message where PSK is the only key exchange. */
function identityOf(body: Buffer): string {
  const length = body.length < 2 ? -1 : body.readUInt16BE(0);
  return oneOf(length === body.length - 2 ? [body.subarray(2)] : []);
}

/**
 * The first that can be a name of ours: a client may offer the tickets of another server before. Some agents count the
 * zero byte at the end of their text; the TLS library stops there too.
 */
function oneOf(identities: readonly Buffer[]): string {
  const texts = identities.map((identity) => identity.toString('latin1').replace(/\0$/, ''));
  const found = texts.find((text) => text.length <= MAX_IDENTITY && PRINTABLE.test(text));
  if (found !== undefined) return found;
  throw new WireError('psk-identity', `A PSK identity has 1 to ${MAX_IDENTITY} printable characters`, {
    got: identities[0]?.length ?? 0,
  });
}

type TlsVersion = ClientHello['version'];

export type FindKey = (identity: string) => Promise<Uint8Array>;

export class PskGate extends Duplex {
  readonly #socket: Socket;
  readonly #find: FindKey;
  readonly #onHello: (version: TlsVersion) => void;
  #greeted = false;
  #reader: KeyNameReader | undefined = new KeyNameReader();
  #key: { readonly identity: string; readonly psk: Uint8Array } | undefined;
  readonly #lingerMs: number;
  #lingering: NodeJS.Timeout | undefined;
  /** The key is being asked for: what comes meanwhile waits. */
  #held: Buffer[] | undefined;

  /**
   * @param onHello told once of the version that the client leads to, before its bytes can be read
   * @param lingerMs how long a client has to end the connection itself when all is written; default 0
   */
  constructor(socket: Socket, find: FindKey, onHello: (version: TlsVersion) => void = () => {}, lingerMs = 0) {
    super({ allowHalfOpen: false });
    this.#lingerMs = lingerMs;
    this.#socket = socket;
    this.#find = find;
    this.#onHello = onHello;
    socket.on('data', (bytes: Buffer) => this.#received(bytes));
    socket.once('end', () => this.push(null));
    socket.once('error', (error) => this.destroy(error));
    socket.once('close', () => this.destroy());
  }

  /** Who named a key, once its key is there. */
  get identity(): string | undefined {
    return this.#key?.identity;
  }

  /** Bytes on the wire so far. */
  get traffic(): { readonly bytesIn: number; readonly bytesOut: number } {
    return { bytesIn: this.#socket.bytesRead, bytesOut: this.#socket.bytesWritten };
  }

  /** For the TLS library; null for another identity than the one that was let through. */
  keyOf(identity: string): Uint8Array | null {
    return this.#key !== undefined && this.#key.identity === identity ? this.#key.psk : null;
  }

  #received(bytes: Buffer): void {
    // There is no way to answer any more.
    if (this.writableEnded) return;
    if (this.#held !== undefined) {
      this.#held.push(bytes);
      return;
    }
    const reader = this.#reader;
    const identity = this.#read(bytes);
    if (!this.#greeted && reader?.version !== undefined && !this.destroyed) {
      this.#greeted = true;
      this.#onHello(reader.version);
    }
    if (identity === undefined) this.#pass(bytes);
    else void this.#admit(identity, bytes);
  }

  #read(bytes: Buffer): string | undefined {
    try {
      return this.#reader?.push(bytes);
    } catch (error) {
      this.destroy(error as Error);
      return undefined;
    }
  }

  async #admit(identity: string, bytes: Buffer): Promise<void> {
    this.#held = [bytes];
    this.#reader = undefined;
    this.#socket.pause();
    try {
      const psk = await this.#find(identity);
      this.#key = { identity, psk };
      // Nobody wipes it any more where the client has gone meanwhile.
      if (this.destroyed) psk.fill(0);
      const held = this.#held;
      this.#held = undefined;
      for (const part of held) this.#pass(part);
      this.#socket.resume();
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  #pass(bytes: Buffer): void {
    if (!this.destroyed && !this.push(bytes)) this.#socket.pause();
  }

  override _read(): void {
    if (this.#held === undefined) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  /** A handset may drop what its card has not read when the connection ends: the card ends it first, if it does. */
  override _final(done: (error?: Error | null) => void): void {
    const end = () => {
      clearTimeout(this.#lingering);
      this.#socket.end(() => done());
    };
    if (this.#lingerMs === 0 || this.#socket.readableEnded) end();
    else {
      this.#lingering = setTimeout(end, this.#lingerMs);
      this.#socket.once('end', end);
      // What still comes is passed over, and its end is heard.
      this.#socket.resume();
    }
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#key?.psk.fill(0);
    clearTimeout(this.#lingering);
    this.#socket.destroy();
    done(error);
  }
}

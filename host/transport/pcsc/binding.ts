// SPDX-License-Identifier: Apache-2.0
import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { TRANSPORT_CODE, type TransportCode, transportError } from '../transport-failure.ts';

/** The part of the add-on `pcsclite` that we use; it is optional, so its own types are not imported. */
export interface PcscReader {
  readonly name: string;
  readonly connected: boolean;
  connect(options: { share_mode: number; protocol: number }, done: (error: unknown, protocol?: number) => void): void;
  disconnect(disposition: number, done: (error: unknown) => void): void;
  transmit(
    data: Buffer,
    responseLength: number,
    protocol: number,
    done: (error: unknown, response?: Buffer) => void,
  ): void;
  /** Reports the status at once and after each change of the card, until the reader is closed. */
  get_status(report: (error: unknown, state?: number) => void): void;
  close(): void;
}

/** A reader that a context found: its status comes as events. */
export interface WatchedPcscReader extends PcscReader, EventEmitter {}

export interface PcscContext extends EventEmitter {
  close(): void;
}

/** PC/SC numbers that are the same on pcsc-lite, WinSCard and macOS. @see PC/SC part 5 */
export const SCARD = {
  SHARE_EXCLUSIVE: 1,
  PROTOCOL_T0: 1,
  PROTOCOL_T1: 2,
  RESET_CARD: 1,
  STATE_PRESENT: 0x20,
  STATE_EXCLUSIVE: 0x80,
  STATE_INUSE: 0x100,
  STATE_MUTE: 0x200,
} as const;

/** Room for 256 bytes and the status word. */
export const ANSWER_LENGTH = 258;

const isFactory = (value: unknown): value is () => PcscContext => typeof value === 'function';

/** Loads the add-on. @throws TransportError `link-unavailable` where it is not installed */
export async function loadPcsc(): Promise<() => PcscContext> {
  // The name is a variable so that the type checker does not want the optional package.
  const name: string = 'pcsclite';
  const loaded: { default?: unknown } = await import(name).catch((cause: unknown) => {
    throw transportError(TRANSPORT_CODE.UNAVAILABLE, whyNotLoaded(cause), {}, cause);
  });
  if (!isFactory(loaded.default)) throw otherInterface();
  return loaded.default;
}

const whyNotLoaded = (cause: unknown) =>
  cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND'
    ? 'PC/SC support is not installed: add the npm package pcsclite'
    : `pcsclite is installed but does not load under Node ${process.version}: run npm rebuild pcsclite with this Node`;

const otherInterface = () =>
  transportError(TRANSPORT_CODE.UNAVAILABLE, 'The package pcsclite has another interface than version 1.0');

const isReaderClass = (value: unknown): value is new (name: string) => PcscReader =>
  typeof value === 'function' && typeof value.prototype?.connect === 'function';

/**
 * The add-on's reader class, for readers that are only connected to. Those that a context finds wait for a lock, on
 * the event loop, whenever their status changes while a card works; one made by its name does not watch its status.
 *
 * @throws TransportError `link-unavailable`
 */
export async function loadReaderClass(): Promise<new (name: string) => PcscReader> {
  // First the package: it adds `connect` and the like to the native class.
  await loadPcsc();
  const index = createRequire(import.meta.url).resolve('pcsclite');
  const native: { CardReader?: unknown } = createRequire(index)('bindings')({
    bindings: 'pcsclite',
    module_root: dirname(index),
  });
  if (!isReaderClass(native.CardReader)) throw otherInterface();
  return native.CardReader;
}

const ERROR_CODES: ReadonlyMap<number, TransportCode> = new Map<number, TransportCode>([
  [0x80100009, TRANSPORT_CODE.NO_READER], // SCARD_E_UNKNOWN_READER
  [0x8010000b, TRANSPORT_CODE.IN_USE], // SCARD_E_SHARING_VIOLATION
  [0x8010000c, TRANSPORT_CODE.NO_CARD], // SCARD_E_NO_SMARTCARD
  [0x80100017, TRANSPORT_CODE.LINK_LOST], // SCARD_E_READER_UNAVAILABLE
  [0x8010001d, TRANSPORT_CODE.LINK_LOST], // SCARD_E_NO_SERVICE
  [0x8010001e, TRANSPORT_CODE.LINK_LOST], // SCARD_E_SERVICE_STOPPED
  [0x80100066, TRANSPORT_CODE.TIMEOUT], // SCARD_W_UNRESPONSIVE_CARD: no ATR
  [0x80100067, TRANSPORT_CODE.REMOVED], // SCARD_W_UNPOWERED_CARD
  [0x80100068, TRANSPORT_CODE.REMOVED], // SCARD_W_RESET_CARD: our session on it is gone just as well
  [0x80100069, TRANSPORT_CODE.REMOVED], // SCARD_W_REMOVED_CARD
]);

/** The add-on tells the PC/SC code only inside its message: `... (0x80100069)`. */
export function pcscError(error: unknown, readerName: string) {
  const message = error instanceof Error ? error.message : String(error);
  const number = Number.parseInt(/\(0x([0-9a-f]{8,16})\)/i.exec(message)?.[1]?.slice(-8) ?? '0', 16);
  const code = ERROR_CODES.get(number) ?? TRANSPORT_CODE.LINK_LOST;
  return transportError(code, `${HINTS.get(code) ?? ''}PC/SC: ${message}`, { readerName }, error);
}

/** What to do, before the words of PC/SC. */
const HINTS: ReadonlyMap<TransportCode, string> = new Map([
  [TRANSPORT_CODE.IN_USE, 'The reader is in use by another program: close it. '],
  [TRANSPORT_CODE.TIMEOUT, 'The card did not answer: take it out and put it in again. '],
]);

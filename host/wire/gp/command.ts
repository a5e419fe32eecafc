// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { encodeCommand, MAX_DATA } from '../apdu.ts';
import { fromHex, toHex } from '../hex.ts';
import type { CardCommand, CardResponse } from '../message/card-script.ts';
import type { PlainCommand } from '../message/kms.ts';
import { requireStatusWord, type StatusWord, SW, statusWordFromHex, statusWordToHex } from '../status-word.ts';

/** One command in clear, as the builders of this folder make it; `data` may be longer than one APDU takes. */
export interface GpCommand {
  /** INS name for people, such as `INSTALL [for install]`. Never secret data. */
  readonly label: string;
  readonly cla: number;
  readonly ins: number;
  readonly p1: number;
  readonly p2: number;
  readonly data: Uint8Array;
  /** True when response data is wanted (Le 00). */
  readonly le: boolean;
  /** Le where 00 will not do; in clear only. */
  readonly leBytes?: number;
  /** Final status words after which a script goes on; absent is 9000 only. */
  readonly expect?: readonly StatusWord[];
  /** Longest time for this command, in milliseconds. */
  readonly timeoutMs?: number;
}

/** Longest data of a command in clear (kms.ts PlainCommand). */
export const MAX_PLAIN_DATA = 2048;

export const INS = {
  SELECT: 0xa4,
  VERIFY: 0x20,
  CHANGE_PIN: 0x24,
  UNBLOCK_PIN: 0x2c,
  MANAGE_CHANNEL: 0x70,
  READ_RECORD: 0xb2,
  UPDATE_BINARY: 0xd6,
  UPDATE_RECORD: 0xdc,
  READ_BINARY: 0xb0,
  GET_RESPONSE: 0xc0,
  GET_DATA: 0xca,
  GET_DATA_FILE: 0xcb,
  MANAGE_SECURITY_ENVIRONMENT: 0x22,
  PERFORM_SECURITY_OPERATION: 0x2a,
  GENERATE_ASYMMETRIC_KEY_PAIR: 0x47,
  INITIALIZE_UPDATE: 0x50,
  END_R_MAC_SESSION: 0x78,
  BEGIN_R_MAC_SESSION: 0x7a,
  EXTERNAL_AUTHENTICATE: 0x82,
  GET_CHALLENGE: 0x84,
  INTERNAL_AUTHENTICATE: 0x88,
  PUT_KEY: 0xd8,
  PUT_DATA: 0xda,
  STORE_DATA: 0xe2,
  DELETE: 0xe4,
  INSTALL: 0xe6,
  LOAD: 0xe8,
  SET_STATUS: 0xf0,
  GET_STATUS: 0xf2,
} as const;

const NO_DATA = new Uint8Array();
/** Key generation on a card may take minutes. */
export const KEY_GENERATION_TIMEOUT_MS = 300_000;

/** Fills in what a builder leaves out: no data, no Le. */
export function gpCommand(
  command: Partial<GpCommand> & Pick<GpCommand, 'label' | 'cla' | 'ins' | 'p1' | 'p2'>,
): GpCommand {
  return { data: NO_DATA, le: false, ...command };
}

/** The same command with other status words after which the script goes on. */
export const expecting = (command: GpCommand, ...expect: readonly StatusWord[]): GpCommand => ({ ...command, expect });

function chunks(data: Uint8Array, size: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let offset = 0; offset < data.length; offset += size) parts.push(data.slice(offset, offset + size));
  return parts.length === 0 ? [NO_DATA] : parts;
}

/** How a command whose field is over 255 bytes is cut (applet README 4.1). */
type Cut = 'iso' | 'p1' | 'none';

function cutOf(ins: number): Cut {
  if (ins === INS.PERFORM_SECURITY_OPERATION || ins === INS.EXTERNAL_AUTHENTICATE) return 'iso';
  if (ins === INS.PUT_KEY || ins === INS.INSTALL || ins === INS.DELETE) return 'p1';
  return 'none';
}

/**
 * APDUs of one command: parts of at most 255 bytes, the chain mark (CLA bit 10 or P1 bit 80, by INS) on
 * all but the last, Le on the last only.
 *
 * @param le Le of the last part, 1 to 256, or undefined
 * @throws WireError when the command is too long for one APDU and cannot be cut
 * @see GPCS 11.1.5.1; ISO 7816-4 5.3.3
 */
export function encodeParts(
  header: Pick<GpCommand, 'label' | 'cla' | 'ins' | 'p1' | 'p2'>,
  field: Uint8Array,
  le: number | undefined,
): Uint8Array[] {
  const cut = cutOf(header.ins);
  const parts = chunks(field, MAX_DATA);
  if (parts.length > 16 || (parts.length > 1 && cut === 'none')) {
    throw new WireError('command-too-long', `${header.label}: data does not fit and this command is not chained`, {
      got: field.length,
    });
  }
  const { cla, ins, p1, p2 } = header;
  return parts.map((data, index) => {
    if (index === parts.length - 1)
      return encodeCommand({ cla, ins, p1, p2, data, ...(le === undefined ? {} : { le }) });
    const marked = cut === 'iso' ? { cla: cla | 0x10, p1 } : { cla, p1: p1 | 0x80 };
    return encodeCommand({ ...marked, ins, p2, data });
  });
}

/**
 * STORE DATA over `capacity` becomes numbered blocks, each a command of its own; other commands stay one.
 *
 * @throws WireError when the block number passes FF
 * @see GPCS 11.11.2
 */
export function splitStoreData(command: GpCommand, capacity = MAX_DATA): GpCommand[] {
  if (command.ins !== INS.STORE_DATA || command.data.length <= capacity) return [command];
  const parts = chunks(command.data, capacity);
  if (command.p2 + parts.length > 256)
    throw new WireError('store-data-too-long', 'More than 256 blocks', { got: parts.length });
  return parts.map((data, index) => {
    const last = index === parts.length - 1;
    return {
      ...command,
      data,
      p1: last ? command.p1 : command.p1 & 0x7f,
      p2: command.p2 + index,
      le: last && command.le,
    };
  });
}

function flow(command: GpCommand): Pick<CardCommand, 'expect' | 'timeoutMs'> {
  return {
    ...(command.expect === undefined ? {} : { expect: command.expect.map(statusWordToHex) }),
    ...(command.timeoutMs === undefined ? {} : { timeoutMs: command.timeoutMs }),
  };
}

/** One command of a script from APDUs that are ready to send. */
export function cardCommand(command: GpCommand, apdus: readonly Uint8Array[]): CardCommand {
  return { label: command.label, apdus: apdus.map(toHex), ...flow(command) };
}

/** The command as it goes in clear; a long STORE DATA becomes several. @throws WireError */
export function toCardCommands(command: GpCommand): CardCommand[] {
  return splitStoreData(command).map((part) => {
    const le = part.leBytes ?? (part.le ? 256 : undefined);
    return cardCommand(part, encodeParts(part, part.data, le));
  });
}

/** As `toCardCommands` for a command that is one. @throws WireError */
export function toCardCommand(command: GpCommand): CardCommand {
  const le = command.leBytes ?? (command.le ? 256 : undefined);
  return cardCommand(command, encodeParts(command, command.data, le));
}

/** The command as the KMS takes it for wrapping. */
export function toPlainCommand(command: GpCommand): PlainCommand {
  const { label, cla, ins, p1, p2, data, le } = command;
  return { label, cla, ins, p1, p2, data: toHex(data), le, ...flow(command) };
}

/** @throws WireError when data is not hex or too long */
export function fromPlainCommand(command: PlainCommand): GpCommand {
  const { label, cla, ins, p1, p2, data, le, expect, timeoutMs } = command;
  return {
    label,
    cla,
    ins,
    p1,
    p2,
    le,
    data: fromHex(data, MAX_PLAIN_DATA),
    ...(expect === undefined ? {} : { expect: expect.map(statusWordFromHex) }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
}

/**
 * The command, going on whatever the card answers: a card that has no such thing may refuse in any way. @throws
 * WireError
 */
export const ifPresent = (command: GpCommand): CardCommand => ({ ...toCardCommand(command), anyStatus: true });

/**
 * Data of the response to `command`.
 *
 * @param accepted status words that are fine; 9000 when none is given
 * @throws StatusWordError for any other, also when there is no response at all
 * @throws WireError when the response's data is not hex
 */
export function responseData(
  command: string | GpCommand,
  response: CardResponse | undefined,
  ...accepted: readonly StatusWord[]
): Uint8Array {
  const label = typeof command === 'string' ? command : command.label;
  if (response === undefined)
    throw new WireError('response-missing', `${label}: no response, the script stopped before`);
  requireStatusWord(statusWordFromHex(response.sw), label, accepted.length === 0 ? [SW.NO_ERROR] : accepted);
  return fromHex(response.data, 4096);
}

// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import type { CommandApdu } from '../apdu.ts';
import { concat } from '../hex.ts';
import { type AnyCatObject, type CatKind, catObject, decodeCatObjects, encodeCatObject } from './cat-object.ts';
import { DEVICE, PROACTIVE_COMMANDS, type ProactiveCommand, proactiveName } from './proactive-command.ts';

/** General results. @see TS 102 223 8.12 */
export const RESULT = {
  OK: 0x00,
  PARTIAL_COMPREHENSION: 0x01,
  MISSING_INFORMATION: 0x02,
  LIMITED_SERVICE: 0x06,
  MODIFIED: 0x07,
  SESSION_TERMINATED: 0x10,
  BACKWARD: 0x11,
  NO_RESPONSE: 0x12,
  HELP: 0x13,
  TERMINAL_BUSY: 0x20,
  NETWORK_BUSY: 0x21,
  USER_REFUSED: 0x22,
  TIMER_STATE: 0x24,
  BEYOND_CAPABILITY: 0x30,
  TYPE_NOT_UNDERSTOOD: 0x31,
  DATA_NOT_UNDERSTOOD: 0x32,
  NUMBER_UNKNOWN: 0x33,
  VALUE_MISSING: 0x36,
  BIP_ERROR: 0x3a,
} as const;

/** Second byte of result 3A. @see TS 102 223 8.12.11 */
export const BIP_CAUSE = {
  NONE: 0x00,
  NO_CHANNEL: 0x01,
  CHANNEL_CLOSED: 0x02,
  BAD_CHANNEL: 0x03,
  BUFFER_SIZE: 0x04,
  SECURITY: 0x05,
  TRANSPORT_LEVEL: 0x06,
  REMOTE_UNREACHABLE: 0x07,
  SERVICE_ERROR: 0x08,
  UNKNOWN_SERVICE: 0x09,
  PORT_UNAVAILABLE: 0x10,
  LAUNCH_PARAMETERS: 0x11,
  LAUNCH_FAILED: 0x12,
} as const;

/** The command was carried out, wholly or nearly. */
export const isDone = (general: number): boolean => general < 0x10;
/** Trying again later may help. */
export const isTemporary = (general: number): boolean => general >= 0x20 && general < 0x30;

/** What a terminal answers to a proactive command. */
export interface TerminalResponse {
  readonly number: number;
  readonly type: number;
  readonly qualifier: number;
  readonly source: number;
  readonly destination: number;
  /** Value of RESULT. */
  readonly general: number;
  /** Additional information; empty for most results. */
  readonly info: Uint8Array;
  /** The card is asked to understand the result; left out where absent. */
  readonly resultRequired?: boolean;
  /** Those after the result, in order. */
  readonly objects: readonly AnyCatObject[];
}

/** Response to `command` with its number, type and qualifier, from the terminal to the card. */
export function responseTo(
  { number, type, qualifier }: ProactiveCommand,
  general: number,
  objects: readonly AnyCatObject[] = [],
  info: Uint8Array = new Uint8Array(),
): TerminalResponse {
  return { number, type, qualifier, source: DEVICE.TERMINAL, destination: DEVICE.CARD, general, info, objects };
}

/**
 * `81 03 .. ‖ 82 02 82 81 ‖ 03|83 L result ‖ objects`, without a template.
 *
 * @throws WireError
 * @see TS 102 223 6.8
 */
export function encodeTerminalResponse(response: TerminalResponse): Uint8Array {
  const { number, type, qualifier, source, destination, general, info, resultRequired = false, objects } = response;
  const lead = [
    catObject('commandDetails', { number, type, qualifier }),
    catObject('deviceIdentities', { source, destination }),
    catObject('result', { general, info }, resultRequired),
  ];
  return concat(...[...lead, ...objects].map(encodeCatObject));
}

/** @throws WireError when command details, device identities and result do not lead, or a length is broken */
export function decodeTerminalResponse(bytes: Uint8Array): TerminalResponse {
  const [details, devices, result, ...objects] = decodeCatObjects(bytes);
  if (details?.kind !== 'commandDetails' || devices?.kind !== 'deviceIdentities' || result?.kind !== 'result')
    throw new WireError('cat-lead', 'A terminal response begins with command details, device identities and result');
  const required = result.required ? { resultRequired: true } : {};
  return { ...details.value, ...devices.value, ...result.value, ...required, objects };
}

/**
 * Objects that a response to this command must have and this one has not; none where the command was not carried out.
 */
export function missingInResponse({ type, general, objects }: TerminalResponse): CatKind[] {
  const name = proactiveName(type);
  if (name === undefined || !isDone(general)) return [];
  const expected: readonly CatKind[] = PROACTIVE_COMMANDS[name].response;
  return expected.filter((kind) => !objects.some((object) => object.kind === kind));
}

/** TERMINAL RESPONSE, `80 14 00 00 Lc data`. @see TS 102 221 11.2.4 */
export const terminalResponse = (data: Uint8Array): CommandApdu => ({ cla: 0x80, ins: 0x14, p1: 0, p2: 0, data });

/** FETCH of the `length` bytes, 1 to 256, that 91XX announced. @see TS 102 221 11.2.3 */
export const fetchCommand = (length: number): CommandApdu => ({
  cla: 0x80,
  ins: 0x12,
  p1: 0,
  p2: 0,
  data: new Uint8Array(),
  le: length,
});

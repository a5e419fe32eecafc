// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { encodeTlv } from '../ber-tlv.ts';
import { type AnyCatObject, type CatKind, catObject, decodeCatObjects, encodeCatObject, tagOf } from './cat-object.ts';
import { decodeTemplate } from './comprehension-tlv.ts';

/** Device identities; channels are 21 to 27. @see TS 102 223 8.7 */
export const DEVICE = { CHANNEL_BASE: 0x20, CARD: 0x81, TERMINAL: 0x82, NETWORK: 0x83 } as const;

interface CommandDeclaration {
  readonly type: number;
  readonly mandatory: readonly CatKind[];
  readonly optional: readonly CatKind[];
  /** What a response that is no refusal must have after its result. */
  readonly response: readonly CatKind[];
}

const command = (
  type: number,
  mandatory: readonly CatKind[] = [],
  optional: readonly CatKind[] = [],
  response: readonly CatKind[] = [],
): CommandDeclaration => ({ type, mandatory, optional, response });

/**
 * One line per proactive command: type, objects it must have, those it may have, those of its response. @see TS 102 223
 * 6.6, 6.8
 */
export const PROACTIVE_COMMANDS = {
  refresh: command(0x01, [], ['fileList', 'alphaIdentifier']),
  moreTime: command(0x02),
  pollInterval: command(0x03, ['duration'], [], ['duration']),
  pollingOff: command(0x04),
  setUpEventList: command(0x05, ['eventList']),
  sendShortMessage: command(0x13, ['smsTpdu'], ['alphaIdentifier', 'address']),
  playTone: command(0x20, [], ['alphaIdentifier', 'tone', 'duration']),
  displayText: command(0x21, ['textString'], ['immediateResponse', 'duration']),
  getInkey: command(0x22, ['textString'], ['duration'], ['textString']),
  getInput: command(0x23, ['textString', 'responseLength'], [], ['textString']),
  selectItem: command(0x24, ['item'], ['alphaIdentifier', 'itemIdentifier'], ['itemIdentifier']),
  setUpMenu: command(0x25, ['alphaIdentifier', 'item']),
  provideLocalInformation: command(0x26),
  timerManagement: command(0x27, ['timerIdentifier'], ['timerValue'], ['timerIdentifier']),
  setUpIdleModeText: command(0x28, ['textString']),
  openChannel: command(
    0x40,
    ['bufferSize'],
    ['alphaIdentifier', 'bearer', 'networkAccessName', 'textString', 'transport', 'dataAddress'],
    ['channelStatus', 'bufferSize'],
  ),
  closeChannel: command(0x41, [], ['alphaIdentifier']),
  receiveData: command(0x42, ['channelDataLength'], ['alphaIdentifier'], ['channelData', 'channelDataLength']),
  sendData: command(0x43, ['channelData'], ['alphaIdentifier'], ['channelDataLength']),
  getChannelStatus: command(0x44, [], [], ['channelStatus']),
} as const satisfies Record<string, CommandDeclaration>;

export type ProactiveName = keyof typeof PROACTIVE_COMMANDS;

const NAMES: ReadonlyMap<number, ProactiveName> = new Map(
  (Object.keys(PROACTIVE_COMMANDS) as ProactiveName[]).map((name) => [PROACTIVE_COMMANDS[name].type, name]),
);

/** Name of a command type; undefined where this code knows none. */
export const proactiveName = (type: number): ProactiveName | undefined => NAMES.get(type);

/** Types that the standard has and this code does not name: calls, USSD, tones, browser, second reader, and so on. */
const OTHER_TYPES: ReadonlySet<number> = new Set([
  ...[0x10, 0x11, 0x12, 0x14, 0x15, 0x16, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x45, 0x46, 0x47, 0x50, 0x51],
  ...[0x60, 0x61, 0x62, 0x70, 0x71, 0x72, 0x73],
]);

/** The standard has such a command: a terminal without it answers 30, not 31. @see TS 102 223 9.4 */
export const isStandardType = (type: number): boolean => NAMES.has(type) || OTHER_TYPES.has(type);

/** What a card asks of its terminal. */
export interface ProactiveCommand {
  /** 1 to 254, repeated in the response. */
  readonly number: number;
  readonly type: number;
  readonly qualifier: number;
  readonly source: number;
  readonly destination: number;
  /** Those after command details and device identities, in order. */
  readonly objects: readonly AnyCatObject[];
}

const TEMPLATE = 0xd0;

/**
 * `D0 L ‖ 81 03 number type qualifier ‖ 82 02 source destination ‖ objects`.
 *
 * @throws WireError
 * @see TS 102 223 6.6
 */
export function encodeProactiveCommand(proactive: ProactiveCommand): Uint8Array {
  const { number, type, qualifier, source, destination, objects } = proactive;
  const [absent] = missingObjects(proactive);
  if (absent !== undefined)
    throw new WireError('cat-missing', `The command lacks its ${absent}`, { type, expected: tagOf(absent) });
  const lead = [
    catObject('commandDetails', { number, type, qualifier }),
    catObject('deviceIdentities', { source, destination }),
  ];
  return encodeTlv(TEMPLATE, ...[...lead, ...objects].map(encodeCatObject));
}

/**
 * Reads a command of any type, known or not, so that each can be answered: see `missingObjects` and `notUnderstood`.
 *
 * @throws WireError when it does not begin with command details and device identities, or a length is broken
 */
export function decodeProactiveCommand(bytes: Uint8Array): ProactiveCommand {
  const [details, devices, ...objects] = decodeCatObjects(decodeTemplate(TEMPLATE, 'proactive command', bytes));
  if (details?.kind !== 'commandDetails' || devices?.kind !== 'deviceIdentities')
    throw new WireError('cat-lead', 'A proactive command begins with command details and device identities');
  return { ...details.value, ...devices.value, objects };
}

/** Objects that the command must have and has not: a terminal answers 36. */
export function missingObjects({ type, objects }: ProactiveCommand): CatKind[] {
  const name = proactiveName(type);
  if (name === undefined) return [];
  const mandatory: readonly CatKind[] = PROACTIVE_COMMANDS[name].mandatory;
  return mandatory.filter((kind) => !objects.some((object) => object.kind === kind));
}

/** Tags that the terminal is asked to understand and does not: it answers 32. */
export const notUnderstood = ({ objects }: ProactiveCommand): number[] =>
  objects.flatMap((object) => (object.kind === 'unknown' && object.required ? [object.tag] : []));

// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { type CommandApdu, encodeCommand } from '../apdu.ts';
import { concat } from '../hex.ts';
import { type StatusWord, statusWord } from '../status-word.ts';
import { ByteReader, encodeNumber } from './byte-reader.ts';

/** What came of a compact script. @see TS 102 226 5.1.2 */
export interface CompactResponse {
  /** Commands that were executed, the failed one included. */
  readonly executed: number;
  /** Of the last one. */
  readonly sw: StatusWord;
  readonly data: Uint8Array;
}

/** Whose commands a script has: `80 F2` is STATUS of the file system, and GET STATUS of a security domain. */
export type CompactTarget = 'domain' | 'files';

/** Commands whose P3 is Le in this format. In others it is Lc; GET STATUS of GlobalPlatform (80 F2) among them. */
const OUTGOING: ReadonlySet<number> = new Set([0x84, 0xb0, 0xb2, 0xc0, 0xca, 0xcb]);
const STATUS = 0xf2;
const GLOBALPLATFORM_CLASS = 0x80;

/** GET DATA with a list of tags, and RETRIEVE DATA: with data P3 is Lc, and without any it is Le. */
const RETRIEVE_DATA = 0xcb;

const isOutgoing = ({ cla, ins }: Pick<CommandApdu, 'cla' | 'ins'>, hasData: boolean, target: CompactTarget): boolean =>
  (OUTGOING.has(ins) && !(ins === RETRIEVE_DATA && hasData)) ||
  (ins === STATUS && (target === 'files' || (cla & 0xf0) !== GLOBALPLATFORM_CLASS));

const SIM_CLASS = 0xa0;
const INS_GET_RESPONSE = 0xc0;

/**
 * Commands as a compact script has them: Le stands only where it is P3. What a command with data answers is fetched
 * behind the last one by GET RESPONSE, and is nobody's behind others.
 *
 * @see TS 102 226 5.1.1
 */
export const forCompactScript = (commands: readonly CommandApdu[], target: CompactTarget = 'domain'): CommandApdu[] =>
  commands.flatMap((command, index) => {
    const { le, ...withoutLe } = command;
    const { cla, data } = command;
    if (isOutgoing(command, data.length > 0, target) && data.length === 0) return [{ ...withoutLe, le: le ?? 256 }];
    if (le === undefined || index < commands.length - 1) return [withoutLe];
    const fetch = { cla: cla === SIM_CLASS ? SIM_CLASS : 0, ins: INS_GET_RESPONSE, p1: 0, p2: 0, le };
    return [withoutLe, { ...fetch, data: new Uint8Array() }];
  });

/**
 * `{ CLA INS P1 P2 P3 [data] }*`. Only the last command may answer data; a command with data of its own ends with
 * GET RESPONSE instead of Le.
 *
 * @throws WireError when a command has both data and Le, or P3 would be read the other way
 * @see TS 102 226 5.1.1
 */
export function encodeCompactScript(commands: readonly CommandApdu[], target: CompactTarget = 'domain'): Uint8Array {
  return concat(
    ...commands.map((command, index) => encodeOne(command, { target, isLast: index === commands.length - 1 })),
  );
}

function encodeOne(
  command: CommandApdu,
  { target, isLast }: { readonly target: CompactTarget; readonly isLast: boolean },
): Uint8Array {
  const { ins, data, le } = command;
  if ((le !== undefined) !== isOutgoing(command, data.length > 0, target) || (le !== undefined && data.length > 0))
    throw new WireError('compact-case', 'In a compact script P3 is either Lc or Le, by INS: end with GET RESPONSE', {
      ins,
      lc: data.length,
      le,
    });
  if (le !== undefined && !isLast)
    throw new WireError('compact-order', 'Only the last command of a compact script may answer data', { ins });
  const bytes = encodeCommand(command);
  return bytes.length === 4 ? concat(bytes, Uint8Array.of(0)) : bytes;
}

/** @throws WireError when a command is truncated, or one that answers data is not the last */
export function decodeCompactScript(bytes: Uint8Array, target: CompactTarget = 'domain'): CommandApdu[] {
  const reader = new ByteReader(bytes, 'Compact script');
  const commands: CommandApdu[] = [];
  while (reader.left > 0) {
    const [cla, ins, p1, p2] = [reader.number(1), reader.number(1), reader.number(1), reader.number(1)];
    const p3 = reader.number(1);
    if (!isOutgoing({ cla, ins }, reader.left > 0, target)) {
      commands.push({ cla, ins, p1, p2, data: reader.take(p3) });
      continue;
    }
    commands.push({ cla, ins, p1, p2, data: new Uint8Array(), le: p3 === 0 ? 256 : p3 });
    if (reader.left > 0)
      throw new WireError('compact-order', 'Only the last command of a compact script may answer data', { ins });
  }
  return commands;
}

/** `count(1) ‖ SW(2) ‖ data`. @throws WireError */
export const encodeCompactResponse = ({ executed, sw, data }: CompactResponse): Uint8Array =>
  concat(encodeNumber(executed, 1), encodeNumber(sw, 2), data);

/** @throws WireError when shorter than three bytes */
export function decodeCompactResponse(bytes: Uint8Array): CompactResponse {
  const reader = new ByteReader(bytes, 'Compact response');
  return { executed: reader.number(1), sw: statusWord(reader.number(2)), data: reader.rest() };
}

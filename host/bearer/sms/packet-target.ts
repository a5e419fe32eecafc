// SPDX-License-Identifier: Apache-2.0
import { decodeCommand } from '../../wire/apdu.ts';
import { fromHex } from '../../wire/hex.ts';
import type { CardCommand } from '../../wire/message/card-script.ts';

/**
 * Which of the card's applications a command of a script is for: a packet names one by its TAR, and a script of one
 * session goes to its files and to its issuer's domain in turn.
 *
 * @see ETSI TS 102 226 section 5.1 and 8 (files), section 6 and 7 (RAM)
 */
export type PacketTarget = 'domain' | 'files';

const INS_SELECT = 0xa4;
const SELECT_BY_NAME = 0x04;
/** READ BINARY, READ RECORD, SEARCH RECORD, UPDATE BINARY, UPDATE RECORD: of the file that is selected. */
const OF_A_FILE: ReadonlySet<number> = new Set([0xb0, 0xb2, 0xa2, 0xd6, 0xdc]);
/** Reads that may be asked again: GET DATA, GET STATUS, READ BINARY, READ RECORD. */
const READS: ReadonlySet<number> = new Set([0xca, 0xcb, 0xf2, 0xb0, 0xb2]);
const SECURE_MESSAGING = 0x0c;
/** P2 of SELECT: another than the first one. @see TS 102 221 11.1.1 */
const OCCURRENCE = 0x03;
const INS_GET_STATUS = 0xf2;
/** P2: the next occurrences. @see GPCS 11.4.2.2 */
const NEXT = 0x01;
const INS_READ_RECORD = 0xb2;
/** P2: the record of the number in P1, and not one beside the current one. @see TS 102 221 11.1.5 */
const OF_NUMBER = 0x04;
const MAX_APDU = 261;

function targetOf({ apdus: [first = ''] }: CardCommand, before: PacketTarget): PacketTarget {
  const { ins, p1 } = decodeCommand(fromHex(first, MAX_APDU));
  if (ins === INS_SELECT) return p1 === SELECT_BY_NAME ? 'domain' : 'files';
  return OF_A_FILE.has(ins) ? before : 'domain';
}

/** The first commands that go to one target, and which that is. `before` is where the command before them went. */
export function sameTarget(
  commands: readonly CardCommand[],
  before: PacketTarget,
): { readonly target: PacketTarget; readonly run: readonly CardCommand[] } {
  const [first] = commands;
  const target = first === undefined ? before : targetOf(first, before);
  const end = commands.findIndex((command) => targetOf(command, target) !== target);
  return { target, run: end < 0 ? commands : commands.slice(0, end) };
}

/** Whether a command may be asked again when its answer did not fit: it reads, in clear, and is one APDU. */
export function maybeAskedAgain({ apdus }: CardCommand): boolean {
  const [only, ...more] = apdus;
  if (only === undefined || more.length > 0) return false;
  const { cla, ins } = decodeCommand(fromHex(only, MAX_APDU));
  return READS.has(ins) && (cla & SECURE_MESSAGING) === 0;
}

/**
 * Whether a script may have this command anew, from its beginning: it selects or reads, in clear, and not what comes
 * next after what was read before.
 */
export function mayRunTwice(command: CardCommand): boolean {
  const [only, ...more] = command.apdus;
  if (only === undefined || more.length > 0) return false;
  const { cla, ins, p2 } = decodeCommand(fromHex(only, MAX_APDU));
  if (ins === INS_SELECT) return (cla & SECURE_MESSAGING) === 0 && (p2 & OCCURRENCE) === 0;
  const isNext = (ins === INS_GET_STATUS && (p2 & NEXT) !== 0) || (ins === INS_READ_RECORD && (p2 & OF_NUMBER) === 0);
  return maybeAskedAgain(command) && !isNext;
}

/** Whether this is a SELECT by name that the script goes on after when the card has no such application. */
export function maySelectNothing({ apdus, anyStatus, expect = [] }: CardCommand): boolean {
  const [only, ...more] = apdus;
  if (only === undefined || more.length > 0 || (anyStatus !== true && expect.length < 2)) return false;
  const { ins, p1 } = decodeCommand(fromHex(only, MAX_APDU));
  return ins === INS_SELECT && p1 === SELECT_BY_NAME;
}

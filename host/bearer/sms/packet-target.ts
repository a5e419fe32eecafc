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

/** Whether this is a SELECT by name that the script goes on after when the card has no such application. */
export function maySelectNothing({ apdus, anyStatus, expect = [] }: CardCommand): boolean {
  const [only, ...more] = apdus;
  if (only === undefined || more.length > 0 || (anyStatus !== true && expect.length < 2)) return false;
  const { ins, p1 } = decodeCommand(fromHex(only, MAX_APDU));
  return ins === INS_SELECT && p1 === SELECT_BY_NAME;
}

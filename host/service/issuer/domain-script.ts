// SPDX-License-Identifier: Apache-2.0
import { PolicyError, UsageError } from '../../errors.ts';
import { INS } from '../../wire/gp/command.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { CardCommand } from '../../wire/message/card-script.ts';

/** What a foreign TSM may send over the issuer's way to a card: commands for its own domain, and nothing else. */

/** Bits of CLA for logical channels, and for classes that are neither inter-industry nor GlobalPlatform's. */
const NOT_BASIC = 0x63;
const BY_NAME = 0x04;
/** P2 of SELECT: first or only occurrence, whatever is to be answered. */
const NEXT_OCCURRENCE = 0x03;
/** TERMINAL PROFILE, FETCH, TERMINAL RESPONSE, TERMINAL CAPABILITY, ENVELOPE. @see TS 102 221 table 10.5 */
const OF_THE_TERMINAL: ReadonlySet<number> = new Set([0x10, 0x12, 0x14, 0xaa, 0xc2]);
/** CLA, INS, P1, P2. */
const HEADER = 4;

/**
 * The card's other domains and its files cannot be reached by what passes: SELECT takes one of these AIDs whole and by
 * name, no channel but the basic one is used or opened, nothing speaks to the card as its terminal does, and which
 * domain is selected when a session begins is not left to the script.
 *
 * @param aids upper-case hex: the domain's, and those that its owner registered
 * @throws PolicyError `select-not-permitted`, `apdu-not-permitted` @throws UsageError `apdu-length`
 */
export function requireDomainScript(commands: readonly CardCommand[], aids: readonly string[]): void {
  for (const { apdus, label } of commands)
    for (const text of apdus) requireDomainCommand(fromHex(text, 4096), label, aids);
}

function requireDomainCommand(apdu: Uint8Array, label: string, aids: readonly string[]): void {
  const [cla = 0, ins = 0] = apdu;
  if (apdu.length < HEADER) throw new UsageError('apdu-length', `A command has at least 4 bytes: ${label}`);
  if ((cla & 0x80) !== 0 && OF_THE_TERMINAL.has(ins))
    throw new PolicyError('apdu-not-permitted', 'The card takes this command from its terminal, whatever is selected', {
      label,
      header: toHex(apdu.subarray(0, HEADER)),
    });
  if ((cla & NOT_BASIC) !== 0 || ins === INS.MANAGE_CHANNEL)
    throw new PolicyError(
      'apdu-not-permitted',
      'Only commands of the classes 0X, 1X, 8X and 9X on the basic logical channel pass here',
      { label, header: toHex(apdu.subarray(0, HEADER)) },
    );
  if (ins !== INS.SELECT || selectsOneOf(apdu, aids)) return;
  throw new PolicyError('select-not-permitted', 'SELECT takes your domain, or an AID of yours, by its whole name', {
    label,
  });
}

function selectsOneOf(apdu: Uint8Array, aids: readonly string[]): boolean {
  const [cla, , p1, p2 = 0, length = 0] = apdu;
  if (cla !== 0x00 || p1 !== BY_NAME || (p2 & NEXT_OCCURRENCE) !== 0) return false;
  const end = HEADER + 1 + length;
  // Le may follow, and nothing else.
  if (apdu.length !== end && apdu.length !== end + 1) return false;
  return aids.includes(toHex(apdu.subarray(HEADER + 1, end)));
}

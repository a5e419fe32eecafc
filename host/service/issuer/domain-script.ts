// SPDX-License-Identifier: Apache-2.0
import { PolicyError, UnacceptableError } from '../../errors.ts';
import { INS } from '../../wire/gp/command.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { CardCommand } from '../../wire/message/card-script.ts';
import { SW, statusWordToHex } from '../../wire/status-word.ts';

/** What a foreign TSM may send over the issuer's way to a card: commands for its own domain, and nothing else. */

/** Bits of CLA for logical channels, and for classes that are neither inter-industry nor GlobalPlatform's. */
const NOT_BASIC = 0x63;
const BY_NAME = 0x04;
/** P2 of SELECT: first or only occurrence, whatever is to be answered. */
const NEXT_OCCURRENCE = 0x03;
/** TERMINAL PROFILE, FETCH, TERMINAL RESPONSE, TERMINAL CAPABILITY, ENVELOPE. @see TS 102 221 table 10.5 */
const OF_THE_TERMINAL: ReadonlySet<number> = new Set([0x10, 0x12, 0x14, 0xaa, 0xc2]);
/**
 * VERIFY, CHANGE REFERENCE DATA, DISABLE and ENABLE VERIFICATION REQUIREMENT, RESET RETRY COUNTER, and those of them
 * with BER-TLV data. @see ISO 7816-4 11.6
 */
const OF_PINS: ReadonlySet<number> = new Set([0x20, 0x21, 0x24, 0x25, 0x26, 0x28, 0x2c, 0x2d]);
/** CLA, INS, P1, P2. */
const HEADER = 4;
const SELECTED = statusWordToHex(SW.NO_ERROR);

/** Names that a foreign TSM may select, upper-case hex. */
export interface OwnAids {
  readonly domain: string;
  /** All that are registered for it. */
  readonly registered: readonly string[];
}

/**
 * The card's other domains and its files cannot be reached by what passes: SELECT takes one of these AIDs whole and by
 * name, no channel but the basic one is used or opened, nothing speaks to the card as its terminal does, and which
 * domain is selected when a session begins is not left to the script. Commands about PINs go to an applet of the
 * owner's alone, selected before in the same script, which ends where that fails: anybody else would take them for the
 * card's own, and five wrong ones close it to its user.
 *
 * @throws PolicyError `select-not-permitted`, `apdu-not-permitted`, `pin-not-permitted` @throws UnacceptableError
 *     `apdu-length`
 */
export function requireDomainScript(commands: readonly CardCommand[], own: OwnAids): void {
  let appletSelected = false;
  for (const command of commands)
    for (const text of command.apdus) {
      const apdu = fromHex(text, 4096);
      requireDomainCommand(apdu, command.label, own);
      if (apdu[1] === INS.SELECT) appletSelected = selectsApplet(apdu, command, own);
      else if (isOfPins(apdu) && !appletSelected)
        throw new PolicyError(
          'pin-not-permitted',
          'Commands about PINs pass behind a SELECT of an applet of yours in the same script, which wants 9000',
          { label: command.label, header: headerOf(apdu) },
        );
    }
}

const headerOf = (apdu: Uint8Array): string => toHex(apdu.subarray(0, HEADER));

/** Of the inter-industry classes: those that the card, its files and their PINs know. */
const isOfPins = ([cla = 0, ins = 0]: Uint8Array): boolean => (cla & 0x80) === 0 && OF_PINS.has(ins);

/** Once the script is behind this command, one of the owner's applets has been selected. */
function selectsApplet(apdu: Uint8Array, { anyStatus, expect = [] }: CardCommand, { domain, registered }: OwnAids) {
  const wantsSuccess = anyStatus !== true && expect.every((sw) => sw === SELECTED);
  const applets = registered.filter((name) => name !== domain);
  return wantsSuccess && selectsOneOf(apdu, applets);
}

function requireDomainCommand(apdu: Uint8Array, label: string, { domain, registered }: OwnAids): void {
  const [cla = 0, ins = 0] = apdu;
  if (apdu.length < HEADER) throw new UnacceptableError('apdu-length', `A command has at least 4 bytes: ${label}`);
  if ((cla & 0x80) !== 0 && OF_THE_TERMINAL.has(ins))
    throw new PolicyError('apdu-not-permitted', 'The card takes this command from its terminal, whatever is selected', {
      label,
      header: headerOf(apdu),
    });
  if ((cla & NOT_BASIC) !== 0 || ins === INS.MANAGE_CHANNEL)
    throw new PolicyError(
      'apdu-not-permitted',
      'Only commands of the classes 0X, 1X, 8X and 9X on the basic logical channel pass here',
      { label, header: headerOf(apdu) },
    );
  if (ins !== INS.SELECT || selectsOneOf(apdu, [domain, ...registered])) return;
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

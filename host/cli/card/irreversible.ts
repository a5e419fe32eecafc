// SPDX-License-Identifier: Apache-2.0
import { PolicyError, StatusWordError, WireError } from '../../errors.ts';
import { decodeCommand } from '../../wire/apdu.ts';
import { decodeTlvs, TlvReader } from '../../wire/ber-tlv.ts';
import { type GpCommand, INS, responseData } from '../../wire/gp/command.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import { decodeKeyInformation } from '../../wire/gp/key-information.ts';
import type { KeyReference } from '../../wire/gp/key-reference.ts';
import { CARD_STATE } from '../../wire/gp/life-cycle.ts';
import { STATUS_TARGET } from '../../wire/gp/set-status.ts';
import { concat } from '../../wire/hex.ts';
import type { CardWork } from './session.ts';

/** What a card cannot take back, told from the command's bytes before it goes. */

/** The maker's keys: cards drop them behind the first set that is put. @see GPCS 11.8 */
const INITIAL_KEYS = 0xff;
/** P1 of PUT KEY: the version that goes, 00 for none; the bit above says that more commands follow. */
const REPLACED_VERSION = 0x7f;
const PROPRIETARY_CLASS = 0x80;
/** P1 of SET STATUS: the bits above the ones that a host fills at will. @see GPCS 11.10.2.1 */
const TARGET_BITS = 0xe0;
/** First objects of a DELETE of keys. @see GPCS 11.2.2.3.2 */
const KEY_TAGS: readonly number[] = [0xd0, 0xd2];

/** P1 of INSTALL: another part comes. @see GPCS 11.5.2.1 */
const MORE_PARTS = 0x80;
/** P1 and P2 of INSTALL that have a load file's parameters, and one field less. */
const FOR_LOAD = 0x02;
const FIRST_OF_AT_ONCE = 0x01;
/** Fields of INSTALL before the one with parameters. @see GPCS 11.5.2.3 */
const FIELDS_BEFORE = 4;
const SYSTEM_PARAMETERS = 0xef;
const RESTRICTION = 0xd9;
export const RESTRICTING = 'A restriction (D9)';

/** Whether parameters of INSTALL have EF with D9, which nobody takes back. @throws WireError for what is no BER-TLV */
export const restricts = (parameters: Uint8Array): boolean =>
  decodeTlvs(parameters)
    .filter(({ tag }) => tag === SYSTEM_PARAMETERS)
    .some(({ value }) => decodeTlvs(value).some(({ tag }) => tag === RESTRICTION));

/** As `restricts`, of a whole INSTALL. Of what cannot be read it is true where such a byte is in it. */
function mayRestrict(data: Uint8Array): boolean {
  try {
    let at = 0;
    for (let field = 0; ; field += 1) {
      // Fields have lengths in BER: behind a tag they are data objects.
      const { value, raw } = new TlvReader(concat(Uint8Array.of(RESTRICTION), data.subarray(at))).next();
      if (field === FIELDS_BEFORE) return restricts(value);
      at += raw.length - 1;
    }
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return data.includes(RESTRICTION);
  }
}

/** The domain's keys, by its key information; undefined where it tells none. */
export async function keysTold(
  transmit: CardWork['session']['transmit'],
): Promise<readonly KeyReference[] | undefined> {
  const command = getData(DATA_OBJECT.KEY_INFORMATION);
  try {
    return decodeKeyInformation(responseData(command, await transmit(command))).map(({ reference }) => reference);
  } catch (error) {
    if (error instanceof StatusWordError || error instanceof WireError) return undefined;
    throw error;
  }
}

/**
 * Whether a PUT KEY without a version to replace still takes keys away: those that are there under its version, or the
 * maker's, which go behind the first set. A card that tells no keys may have either.
 */
export const dropsKeys = (told: readonly KeyReference[] | undefined, version: number): boolean =>
  told === undefined || told.some(({ kvn }) => kvn === version || kvn === INITIAL_KEYS);

/** Holds back what cannot be undone, in one run of commands that the user wrote. */
export class IrreversibleGuard {
  readonly #card: CardWork;
  #told: Promise<readonly KeyReference[] | undefined> | undefined;
  /** Parts of an INSTALL that is not whole yet. */
  #begun: Uint8Array = new Uint8Array();

  constructor(card: CardWork) {
    this.#card = card;
  }

  /** @throws PolicyError for what cannot be undone, unless `--confirm` names this very card */
  async require(apdu: Uint8Array): Promise<void> {
    const what = await this.#irreversible(apdu);
    if (what === undefined) return;
    const { cardId, options } = this.#card;
    // Without --confirm nothing was sent ahead that would name the card.
    if (cardId === undefined && options.confirm === undefined && !options.dryRun)
      throw new PolicyError(
        'confirmation',
        `${what} cannot be undone. If you mean it: --confirm with the card’s name, as tsm card info shows it`,
      );
    this.#card.requireConfirmed(what);
  }

  async #irreversible(apdu: Uint8Array): Promise<string | undefined> {
    const { cla, ins, p1, p2, data } = decodeCommand(apdu);
    if ((cla & PROPRIETARY_CLASS) === 0) return undefined;
    if (ins === INS.SET_STATUS && (p1 & TARGET_BITS) === STATUS_TARGET.CARD) return stateName(p2);
    if (ins === INS.DELETE && KEY_TAGS.includes(data[0] ?? 0)) return 'Deleting keys';
    if (ins === INS.INSTALL) return this.#restricts(p1, p2, data) ? RESTRICTING : undefined;
    if (ins !== INS.PUT_KEY) return undefined;
    if ((p1 & REPLACED_VERSION) !== 0) return 'Replacing keys';
    // Asked once, before the first: between the parts of a key set nothing else may go.
    this.#told ??= keysTold((command: GpCommand) => this.#card.session.transmit(command));
    return dropsKeys(await this.#told, data[0] ?? 0)
      ? 'Replacing keys, or the maker’s behind the first set,'
      : undefined;
  }

  /** Parts run with the last one; a card that has dropped the first ones may take that one alone. */
  #restricts(p1: number, p2: number, data: Uint8Array): boolean {
    const joined = concat(this.#begun, data);
    const more = (p1 & MORE_PARTS) !== 0;
    this.#begun = more ? joined : new Uint8Array();
    if (more || (p1 & ~MORE_PARTS) === FOR_LOAD || p2 === FIRST_OF_AT_ONCE) return false;
    return mayRestrict(joined) || mayRestrict(data);
  }
}

const STATES: ReadonlyMap<number, string> = new Map([
  [CARD_STATE.CARD_LOCKED, 'CARD_LOCKED'],
  [CARD_STATE.TERMINATED, 'TERMINATED'],
]);

function stateName(state: number): string | undefined {
  const name = STATES.get(state);
  return name === undefined ? undefined : `The card’s state ${name}`;
}

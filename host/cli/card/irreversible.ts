// SPDX-License-Identifier: Apache-2.0
import { PolicyError, StatusWordError, WireError } from '../../errors.ts';
import { decodeCommand } from '../../wire/apdu.ts';
import { type GpCommand, INS, responseData } from '../../wire/gp/command.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import { decodeKeyInformation } from '../../wire/gp/key-information.ts';
import type { KeyReference } from '../../wire/gp/key-reference.ts';
import { CARD_STATE } from '../../wire/gp/life-cycle.ts';
import { STATUS_TARGET } from '../../wire/gp/set-status.ts';
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
    if (ins !== INS.PUT_KEY) return undefined;
    if ((p1 & REPLACED_VERSION) !== 0) return 'Replacing keys';
    // Asked once, before the first: between the parts of a key set nothing else may go.
    this.#told ??= keysTold((command: GpCommand) => this.#card.session.transmit(command));
    return dropsKeys(await this.#told, data[0] ?? 0)
      ? 'Replacing keys, or the maker’s behind the first set,'
      : undefined;
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

// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { concat } from '../hex.ts';
import type { Aid } from './aid.ts';

/** What a card answers to delegated content management. @see GPCS 2.3.1 11.1.6, C.5 */
export interface Confirmation {
  /** Empty when the card makes none. */
  readonly receipt: Uint8Array;
  /** What the receipt signs first: counter, SD unique data, and what it says of the token. */
  readonly data: Uint8Array;
  readonly counter: number;
  readonly cardUniqueData: Uint8Array;
}

/**
 * `L receipt ‖ 02 counter ‖ L SD unique data ‖ [L token id] ‖ [L token digest]`; a single 00 says that there is
 * none.
 *
 * @throws WireError when it is neither
 */
export function decodeConfirmation(response: Uint8Array): Confirmation | undefined {
  if (response.length === 0 || (response.length === 1 && response[0] === 0)) return undefined;
  const [receipt, dataStart] = lengthValue(response, 0);
  const data = response.slice(dataStart);
  const [counter, uniqueStart] = lengthValue(data, 0);
  if (counter.length !== 2) throw malformed('the confirmation counter has two bytes');
  const [cardUniqueData] = lengthValue(data, uniqueStart);
  return { receipt, data, counter: (counter[0] ?? 0) * 256 + (counter[1] ?? 0), cardUniqueData };
}

/** One field behind its length: a byte, 80 for 128 too; 81 and a byte; 82 and two, for receipts of long RSA keys. */
function lengthValue(bytes: Uint8Array, start: number): readonly [Uint8Array, number] {
  const long = LONG_LENGTHS.get(bytes[start] ?? 0) ?? 0;
  const coded = bytes.slice(start + (long === 0 ? 0 : 1), start + 1 + long);
  const length = coded.reduce((value, byte) => value * 256 + byte, 0);
  if (coded.length !== Math.max(long, 1) || (long === 0 && length > 0x80))
    throw malformed('a length is missing or too long');
  const from = start + 1 + long;
  const value = bytes.slice(from, from + length);
  if (value.length !== length) throw malformed('it ends within a field');
  return [value, from + length];
}

/** First byte of a length, and how many follow it. */
const LONG_LENGTHS: ReadonlyMap<number, number> = new Map([
  [0x81, 1],
  [0x82, 2],
]);

function malformed(why: string): WireError {
  return new WireError('confirmation-malformed', `The card's confirmation is malformed: ${why}`);
}

/** What is said behind the confirmation data: names of what was done, each with its length byte. */
export type Act =
  | { readonly kind: 'load'; readonly loadFile: Aid; readonly domain: Aid }
  | { readonly kind: 'install'; readonly loadFile: Aid; readonly instance: Aid }
  | { readonly kind: 'load and install'; readonly loadFile: Aid; readonly instance: Aid; readonly domain: Aid }
  | { readonly kind: 'make selectable'; readonly loadFile: Aid; readonly instance: Aid }
  | { readonly kind: 'extradite'; readonly from: Aid; readonly object: Aid; readonly to: Aid }
  /** `privileges` as they stand in the command, three bytes or none; `to` is the old domain where it stays. */
  | {
      readonly kind: 'registry update';
      readonly from: Aid;
      readonly object: Aid;
      readonly to: Aid;
      readonly privileges: Uint8Array;
    }
  | { readonly kind: 'delete'; readonly object: Aid };

const named = (name: Uint8Array): Uint8Array => concat(Uint8Array.of(name.length), name);

/** Bytes that the receipt of an act signs. @see GPCS 2.3.1 C.5.1 to C.5.6 */
export function receiptInput(confirmation: Confirmation, act: Act): Uint8Array {
  return receiptOver(confirmation, namesOf(act));
}

/** The same over names that the caller has in the order of the act's table. */
export const receiptOver = (confirmation: Confirmation, names: readonly Uint8Array[]): Uint8Array =>
  concat(confirmation.data, ...names.map(named));

/** Names of an act in the order of its table; of a registry update the privileges and an empty field behind them. */
export function namesOf(act: Act): readonly Uint8Array[] {
  switch (act.kind) {
    case 'load':
      return [act.loadFile, act.domain];
    case 'load and install':
      return [act.loadFile, act.instance, act.domain];
    case 'extradite':
      return [act.from, act.object, act.to];
    case 'registry update':
      return [act.from, act.object, act.to, act.privileges, new Uint8Array()];
    case 'delete':
      return [act.object];
    default:
      return [act.loadFile, act.instance];
  }
}

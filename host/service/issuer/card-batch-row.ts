// SPDX-License-Identifier: Apache-2.0
import { Check } from 'typebox/value';
import type { OwnDomainKey } from '../../store/issuer/secure-element-schema.ts';
import { plainIccid } from '../../wire/iccid.ts';
import { CardKeyBlocks } from '../../wire/message/card-batches.ts';
import { type CardId, KeyReference, RsaPublicKey } from '../../wire/message/common.ts';

/** One row of a batch: the names of a card and what opens its ISD. */

/** A row that is as it should be. */
export interface CheckedRow {
  readonly card: CardId;
  /** All its names, `kind:value`. */
  readonly names: readonly string[];
  /** Where the ISD is the card maker's; still under the transport key. */
  readonly keyBlocks?: CardKeyBlocks;
  /** Where the ISD is ours. */
  readonly isdKey?: OwnDomainKey;
}

export interface RowFault {
  readonly code: string;
  readonly message: string;
}

const NAMES = ['iccid', 'eid', 'cplc', 'cud'] as const;
const KEYS = ['enc', 'mac', 'dek'] as const;
const OWN_KEY = ['isdKeyReference', 'isdModulus', 'isdExponent'] as const;
const COLUMNS: ReadonlySet<string> = new Set<string>([...NAMES, ...KEYS, ...OWN_KEY]);

/** A maker's list may have an ICCID as EF.ICCID gives it, with a filler: the card is known without it. */
const FORM: Readonly<Record<(typeof NAMES)[number], { readonly pattern: RegExp; readonly wants: string }>> = {
  iccid: { pattern: /^[0-9]{18,20}$/, wants: '18 to 20 digits' },
  eid: { pattern: /^[0-9]{32}$/, wants: '32 digits' },
  cplc: { pattern: /^[0-9A-F]{84}$/, wants: '84 upper-case hex digits' },
  cud: { pattern: /^([0-9A-F]{2}){1,8}-([0-9A-F]{2}){1,32}$/, wants: 'IIN and CIN in upper-case hex with - between' },
};

/**
 * Checks what can be seen without keys and without other rows.
 *
 * @param native the ISD is the card maker's: the row brings its keys
 * @returns the row, or everything that is wrong with it
 */
export function checkRow(
  values: Readonly<Record<string, string>>,
  native: boolean,
): { readonly row: CheckedRow } | { readonly faults: readonly RowFault[] } {
  // An empty field of a CSV file is none.
  const given = new Map(
    Object.entries(values)
      .filter(([, value]) => value !== '')
      .map(([name, value]) => [name, name === 'iccid' ? plainIccid(value) : value]),
  );
  const faults: RowFault[] = [...given.keys()]
    .filter((name) => !COLUMNS.has(name))
    .map((name) => ({
      code: 'column-unknown',
      message: `There is no column ${name}: want ${[...COLUMNS].join(', ')}`,
    }));
  const names = NAMES.flatMap((kind) => {
    const value = given.get(kind);
    if (value === undefined) return [];
    const fault = nameFault(kind, value);
    if (fault !== undefined) faults.push(fault);
    return [`${kind}:${value}`];
  });
  const card = cardIdOf(given);
  if (card === undefined)
    faults.push({ code: 'card-name', message: 'A card wants an iccid, cud or cplc: the name by which flows find it' });
  const keys = native ? keyBlocksOf(given) : ownKeyOf(given);
  if ('code' in keys) faults.push(keys);
  if (faults.length > 0 || card === undefined || 'code' in keys) return { faults };
  return { row: { card, names, ...keys } };
}

/** Numbers of 00 or FF only are no names, and an EID has two check digits. @see GSMA SGP.29 */
function nameFault(kind: (typeof NAMES)[number], value: string): RowFault | undefined {
  const { pattern, wants } = FORM[kind];
  if (!pattern.test(value) || /^[0-]+$|^[F-]+$/.test(value))
    return { code: 'card-name', message: `${kind}: want ${wants}, and not 0 or F alone` };
  if (kind === 'eid' && BigInt(value) % 97n !== 1n)
    return { code: 'check-digits', message: 'eid: its check digits are not those of its number' };
  return undefined;
}

/** The first name in the order in which a card is asked (step 41). */
function cardIdOf(given: ReadonlyMap<string, string>): CardId | undefined {
  const kinds = { iccid: 'iccid', cud: 'iin-cin', cplc: 'cplc' } as const;
  for (const [column, kind] of [
    ['iccid', kinds.iccid],
    ['cud', kinds.cud],
    ['cplc', kinds.cplc],
  ] as const) {
    const value = given.get(column);
    if (value !== undefined) return { kind, value };
  }
  return undefined;
}

function keyBlocksOf(given: ReadonlyMap<string, string>): { readonly keyBlocks: CardKeyBlocks } | RowFault {
  const blocks = Object.fromEntries(KEYS.map((name) => [name, given.get(name)]));
  if (OWN_KEY.some((name) => given.has(name)))
    return { code: 'card-keys', message: 'This model has an ISD of its maker: it wants enc, mac and dek alone' };
  if (Check(CardKeyBlocks, blocks)) return { keyBlocks: blocks };
  return { code: 'card-keys', message: 'enc, mac and dek: want a TR-31 key block each' };
}

function ownKeyOf(given: ReadonlyMap<string, string>): { readonly isdKey: OwnDomainKey } | RowFault {
  if (KEYS.some((name) => given.has(name)))
    return {
      code: 'card-keys',
      message: 'This model has an ISD of ours: it wants its public key and no enc, mac, dek',
    };
  const [reference, modulus, exponent] = OWN_KEY.map((name) => given.get(name));
  if (Check(KeyReference, reference) && Check(RsaPublicKey, { modulus, exponent }))
    return { isdKey: { reference, modulus: modulus ?? '', exponent: exponent ?? '' } };
  return {
    code: 'card-keys',
    message: 'isdKeyReference, isdModulus and isdExponent: want 4 hex digits and an RSA key',
  };
}

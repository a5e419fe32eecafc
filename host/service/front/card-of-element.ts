// SPDX-License-Identifier: Apache-2.0
import { NotFoundError } from '../../errors.ts';
import { plainIccid } from '../../wire/iccid.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { SecureElement } from '../../wire/message/seram.ts';

/** What a phone says of a secure element: its type is a label, by its `seId` it is known. */
export type OfferedElement = Pick<SecureElement, 'seType' | 'seId'>;

/** A name of a card; an EID is a further name of one that flows know by another. */
export interface ElementName {
  readonly kind: CardId['kind'] | 'eid';
  readonly value: string;
}

/** Tag and length before the CPLC, as GET DATA gives it. */
const CPLC_TAG = /^9F7F2A(?=[0-9A-F]{84}$)/;

/** In upper case, without spaces, the filler of an ICCID, and the tag of a CPLC. */
function plain(seId: string): string {
  return plainIccid(seId.toUpperCase().replaceAll(/\s/g, '').replace(CPLC_TAG, ''));
}

/** Tells of elements whether one of these is their name, however it is written. */
export function namedBy(names: readonly string[]): (element: OfferedElement) => boolean {
  const wanted = new Set(names.map(plain));
  return ({ seId }) => wanted.has(plain(seId));
}

/**
 * How a secure element is named, by the form of its `seId`: an ICCID has 18 to 20 digits, of which some may be letters,
 * an EID 32 digits, a CPLC 84 hex digits, IIN and CIN have a hyphen between them. Undefined for any other text.
 */
export function nameOf({ seId }: OfferedElement): ElementName | undefined {
  const value = plain(seId);
  if (/^[0-9A-F]{17,19}[0-9A-E]$/.test(value)) return { kind: 'iccid', value };
  if (/^[0-9]{32}$/.test(value)) return { kind: 'eid', value };
  if (/^[0-9A-F]{84}$/.test(value)) return { kind: 'cplc', value };
  if (/^[0-9A-F]{2,96}-[0-9A-F]{2,96}$/.test(value)) return { kind: 'iin-cin', value };
  return undefined;
}

/** One answer for cards that are another's and for those that are nobody's. */
export const noCard = (): NotFoundError =>
  new NotFoundError('card-not-yours', 'You have no such card: have it entered under your name');

// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import type { Brand } from '../brand.ts';
import { fromHex, toHex } from '../hex.ts';

export type KeyVersionNumber = Brand<number, 'KeyVersionNumber'>;
export type KeyIdentifier = Brand<number, 'KeyIdentifier'>;

/** Key version number and key identifier, one byte each on the wire. */
export interface KeyReference {
  readonly kvn: KeyVersionNumber;
  readonly kid: KeyIdentifier;
}

/** Version of the keys that a card is delivered with (GPCS 11.3.3.1). */
const INITIAL_KEYS = 0xff;

/** @throws WireError unless KVN is 01..7F, or FF of initial keys, and KID 00..7F. @see GPCS 11.8.2.2 */
export function keyReference(kvn: number, kid: number): KeyReference {
  if (!Number.isInteger(kvn) || kvn < 1 || (kvn > 0x7f && kvn !== INITIAL_KEYS))
    throw new WireError('kvn-range', 'KVN is 01 to 7F, or FF', { got: kvn });
  if (!Number.isInteger(kid) || kid < 0 || kid > 0x7f)
    throw new WireError('kid-range', 'KID is 00 to 7F', { got: kid });
  return { kvn: kvn as KeyVersionNumber, kid: kid as KeyIdentifier };
}

/** Slots of the security domains (applet README section 2). */
export const KEY_REFERENCE = {
  /** PK.TP_EX.AUT */
  TRUST_POINT: keyReference(0x10, 0x01),
  /** SK.SD.AUT, first pair (step 48) */
  INITIAL_KEY_PAIR: keyReference(0x10, 0x02),
  /** SK.SD.AUT, own pair (step 56) */
  OWN_KEY_PAIR: keyReference(0x11, 0x02),
} as const;

/** Where a domain looks for keys of content management (applet README 5.11); cards of others mostly do so too. */
export const CONTENT_KEY_REFERENCE = {
  token: keyReference(0x70, 0x01),
  receipt: keyReference(0x71, 0x01),
  dap: keyReference(0x73, 0x01),
} as const;

export const encodeKeyReference = (reference: KeyReference): Uint8Array => Uint8Array.of(reference.kvn, reference.kid);
export const keyReferenceToHex = (reference: KeyReference): string => toHex(encodeKeyReference(reference));

/** @throws WireError */
export function decodeKeyReference(bytes: Uint8Array): KeyReference {
  const [kvn, kid] = bytes;
  if (kvn === undefined || kid === undefined || bytes.length !== 2) {
    throw new WireError('key-reference-length', 'A key reference is KVN and KID', { expected: 2, got: bytes.length });
  }
  return keyReference(kvn, kid);
}

/** @throws WireError */
export const keyReferenceFromHex = (text: string): KeyReference => decodeKeyReference(fromHex(text, 2));

// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { encodeTlv, TlvReader } from '../ber-tlv.ts';
import { type Aid, aid } from '../gp/aid.ts';
import { type KeyReference, keyReference } from '../gp/key-reference.ts';
import { concat, fromHex, toHex } from '../hex.ts';

/** What a structured PSK identity tells of the card and its key. @see GSMA SGP.02 */
export interface PskIdentity {
  /** 16 bytes. */
  readonly eid: Uint8Array;
  /** Of the security domain with the key. */
  readonly aid: Aid;
  readonly key: KeyReference;
}

const TAG = { FORM: 0x80, EID: 0x81, AID: 0x4f, KID: 0x82, KVN: 0x83 } as const;
const FORM = 0x02;
const EID_BYTES = 16;
/** Longest text that is read: it comes from whoever opens a connection. */
const MAX_BYTES = 64;

/** Hex text of `80 01 02 ‖ 81 10 EID ‖ 4F L AID ‖ 82 01 KID ‖ 83 01 KVN`. @throws WireError */
export function encodePskIdentity({ eid, aid: application, key }: PskIdentity): string {
  if (eid.length !== EID_BYTES) throw new WireError('eid-length', 'An EID has 16 bytes', { got: eid.length });
  const card = concat(
    encodeTlv(TAG.FORM, Uint8Array.of(FORM)),
    encodeTlv(TAG.EID, eid),
    encodeTlv(TAG.AID, application),
  );
  return toHex(concat(card, encodeTlv(TAG.KID, Uint8Array.of(key.kid)), encodeTlv(TAG.KVN, Uint8Array.of(key.kvn))));
}

/**
 * Reads the text that came in a TLS handshake. @throws WireError when it has another form: an identity may be any
 * string
 */
export function decodePskIdentity(text: string): PskIdentity {
  const reader = new TlvReader(fromHex(text, MAX_BYTES));
  const [form] = reader.expect(TAG.FORM, { min: 1, max: 1 });
  if (form !== FORM)
    throw new WireError('psk-identity-form', 'A PSK identity of another form', { expected: FORM, got: form });
  const eid = reader.expect(TAG.EID, { min: EID_BYTES, max: EID_BYTES });
  const application = aid(reader.expect(TAG.AID));
  const [kid = 0] = reader.expect(TAG.KID, { min: 1, max: 1 });
  const [kvn = 0] = reader.expect(TAG.KVN, { min: 1, max: 1 });
  reader.end();
  return { eid, aid: application, key: keyReference(kvn, kid) };
}

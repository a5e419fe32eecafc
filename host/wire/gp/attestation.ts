import { encodeTlv, TlvReader } from '../ber-tlv.ts';
import { concat } from '../hex.ts';
import { type Aid, aid } from './aid.ts';
import { decodeKeyReference, encodeKeyReference, type KeyReference } from './key-reference.ts';
import { decodePublicKeyParts, encodePublicKey, type PublicKey } from './public-key.ts';

export const NONCE_LENGTH = 16;

/** What an attestation says (applet README 5.7, key-distribution.md section 6). */
export interface AttestationContent {
  readonly aid: Aid;
  readonly iin: Uint8Array;
  readonly cin: Uint8Array;
  readonly keyReference: KeyReference;
  readonly publicKey: PublicKey;
  /** SHA-256 over `81 L N ‖ 82 L e` of the installed PK.TP_EX.AUT. */
  readonly trustPointDigest: Uint8Array;
  readonly nonce: Uint8Array;
}

export interface Attestation extends AttestationContent {
  /** The bytes whose SHA-256 the security domain hands to the CASD: `84 ‖ 7F49 ‖ 90 ‖ 94`. */
  readonly digested: Uint8Array;
  readonly signature: Uint8Array;
}

/** `84 02 KVN KID ‖ 7F49 .. ‖ 90 20 digest ‖ 94 10 nonce` */
export function encodeAttestedData(content: AttestationContent): Uint8Array {
  return concat(
    encodeTlv(0x84, encodeKeyReference(content.keyReference)),
    encodePublicKey(content.publicKey),
    encodeTlv(0x90, content.trustPointDigest),
    encodeTlv(0x94, content.nonce),
  );
}

/** `4F L AID ‖ 42 L IIN ‖ 45 L CIN ‖ A0 20 digest`: what the CASD signs; digest is SHA-256 of the attested data. */
export function encodeAttestationToSign(content: Pick<AttestationContent, 'aid' | 'iin' | 'cin'>, digest: Uint8Array) {
  return concat(
    encodeTlv(0x4f, content.aid),
    encodeTlv(0x42, content.iin),
    encodeTlv(0x45, content.cin),
    encodeTlv(0xa0, digest),
  );
}

/** `FF60 L { 4F ‖ 42 ‖ 45 ‖ attested data ‖ 9E signature }` */
export function encodeAttestation(content: AttestationContent, signature: Uint8Array): Uint8Array {
  return encodeTlv(
    0xff60,
    encodeTlv(0x4f, content.aid),
    encodeTlv(0x42, content.iin),
    encodeTlv(0x45, content.cin),
    encodeAttestedData(content),
    encodeTlv(0x9e, signature),
  );
}

/** Reads an 'FF60' object; nothing is verified here. @throws WireError */
export function decodeAttestation(bytes: Uint8Array): Attestation {
  const outer = new TlvReader(bytes);
  const value = outer.expect(0xff60, { max: 2048 });
  outer.end();
  const reader = new TlvReader(value);
  const sdAid = aid(reader.expect(0x4f, { min: 5, max: 16 }));
  const iin = reader.expect(0x42, { min: 1, max: 32 });
  const cin = reader.expect(0x45, { min: 1, max: 32 });
  const start = reader.offset;
  const keyReference = decodeKeyReference(reader.expect(0x84));
  const publicKey = decodePublicKeyParts(reader.expect(0x7f49));
  const trustPointDigest = reader.expect(0x90, { min: 32, max: 32 });
  const nonce = reader.expect(0x94, { min: NONCE_LENGTH, max: NONCE_LENGTH });
  const digested = value.slice(start, reader.offset);
  const signature = reader.expect(0x9e, { min: 64, max: 512 });
  reader.end();
  return { aid: sdAid, iin, cin, keyReference, publicKey, trustPointDigest, nonce, digested, signature };
}

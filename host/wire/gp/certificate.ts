// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { encodeTlv, TlvReader } from '../ber-tlv.ts';
import { concat } from '../hex.ts';
import { decodePublicKeyParts, encodePublicKey, type PublicKey } from './public-key.ts';

/** Certificate holder authorization ('5F4C'), applet README section 3. */
export const CHA = {
  CERTIFICATION_AUTHORITY: 0x01,
  SECURITY_DOMAIN: 0x42,
  CONTROLLING_AUTHORITY: 0x44,
  OFF_CARD_ENTITY: 0x82,
} as const;

export const HOLDER_REFERENCE_LENGTH = 16;
/** Largest certificate that a security domain stores. */
export const MAX_CERTIFICATE = 1000;

/** Names one card; the certificate of a CASD is bound to its card with it. */
export interface CardIdentityObject {
  /** '42', issuer identification number, 1 to 16 bytes. */
  readonly iin: Uint8Array;
  /** '45', card image number, 1 to 16 bytes. */
  readonly cin: Uint8Array;
}

/** What a card-verifiable certificate says. */
export interface CertificateContent {
  /** '93', 1 to 8 bytes. */
  readonly serial: Uint8Array;
  /** '42', CAR: the holder reference of the key that signs. */
  readonly authorityReference: Uint8Array;
  /** '5F20', CHR, 16 bytes. */
  readonly holderReference: Uint8Array;
  /** '5F4C', CHA, one byte. */
  readonly holderAuthorization: number;
  /** '73', of a CASD only: the card that its key is in. */
  readonly card?: CardIdentityObject;
  readonly publicKey: PublicKey;
}

export interface Certificate extends CertificateContent {
  /** The bytes that are signed, exactly as received. */
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * `93 L serial ‖ 42 10 CAR ‖ 5F20 10 CHR ‖ 5F4C 01 CHA [‖ 73 L { 42 L IIN ‖ 45 L CIN }] ‖ 7F49 { 81 N, 82 e }`: the
 * bytes that are signed.
 */
export function encodeCertificateBody(content: CertificateContent): Uint8Array {
  const { serial, authorityReference, holderReference, holderAuthorization, card } = content;
  requireCardOfCasd(holderAuthorization, card !== undefined);
  if (serial.length < 1 || serial.length > 8) throw new WireError('certificate-serial', 'Serial is 1 to 8 bytes');
  for (const reference of [authorityReference, holderReference]) {
    if (reference.length !== HOLDER_REFERENCE_LENGTH)
      throw new WireError('holder-reference', 'CAR and CHR are 16 bytes');
  }
  return concat(
    encodeTlv(0x93, serial),
    encodeTlv(0x42, authorityReference),
    encodeTlv(0x5f20, holderReference),
    encodeTlv(0x5f4c, Uint8Array.of(holderAuthorization)),
    card === undefined ? new Uint8Array() : encodeTlv(0x73, encodeTlv(0x42, card.iin), encodeTlv(0x45, card.cin)),
    encodePublicKey(content.publicKey),
  );
}

/** `7F21 L { body ‖ 9E L signature }` */
export const encodeCertificate = (body: Uint8Array, signature: Uint8Array): Uint8Array =>
  encodeTlv(0x7f21, body, encodeTlv(0x9e, signature));

/**
 * Reads a '7F21' object in the profile's fixed order; the signature is not verified here.
 *
 * @throws WireError
 */
export function decodeCertificate(bytes: Uint8Array): Certificate {
  const outer = new TlvReader(bytes);
  const value = outer.expect(0x7f21, { max: 2 * MAX_CERTIFICATE });
  outer.end();
  const reader = new TlvReader(value);
  const serial = reader.expect(0x93, { min: 1, max: 8 });
  const authorityReference = reader.expect(0x42, { min: HOLDER_REFERENCE_LENGTH, max: HOLDER_REFERENCE_LENGTH });
  const holderReference = reader.expect(0x5f20, { min: HOLDER_REFERENCE_LENGTH, max: HOLDER_REFERENCE_LENGTH });
  const holderAuthorization = reader.expect(0x5f4c, { min: 1, max: 1 })[0] ?? 0;
  const discretionary = reader.optional(0x73, { max: 64 });
  requireCardOfCasd(holderAuthorization, discretionary !== undefined);
  const card = discretionary === undefined ? {} : { card: decodeCardIdentity(discretionary) };
  const publicKey = decodePublicKeyParts(reader.expect(0x7f49));
  const body = value.slice(0, reader.offset);
  const signature = reader.expect(0x9e, { min: 64, max: 512 });
  reader.end();
  return { serial, authorityReference, holderReference, holderAuthorization, ...card, publicKey, body, signature };
}

/** Only the key of a CASD belongs to one card. */
function requireCardOfCasd(holderAuthorization: number, names: boolean): void {
  if (!names || holderAuthorization === CHA.CONTROLLING_AUTHORITY) return;
  throw new WireError('certificate-card', "Only the certificate of a CASD names a card ('73')", {
    got: holderAuthorization,
  });
}

function decodeCardIdentity(value: Uint8Array): CardIdentityObject {
  const reader = new TlvReader(value);
  const iin = reader.expect(0x42, { min: 1, max: 16 });
  const cin = reader.expect(0x45, { min: 1, max: 16 });
  reader.end();
  return { iin, cin };
}

// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { encodeTlv, TlvReader } from '../ber-tlv.ts';
import { concat } from '../hex.ts';
import { type Aid, aid } from './aid.ts';
import { decodeKeyInformation, type KeyInformation } from './key-information.ts';
import { decodeKeyReference, encodeKeyReference, type KeyReference } from './key-reference.ts';
import { decodePublicKeyParts, encodePublicKey, encodePublicKeyParts, type PublicKey } from './public-key.ts';

export const NONCE_LENGTH = 16;

/** '80': the only version that is read and written. Version 1 had no '80' and said nothing of the owner. */
const VERSION = 0x02;
const LONGEST_ATTESTATION = 2048;
const LONGEST_KEY_LIST = 512;

/** '8A' */
const OWNER_STATE = { NOT_OWNED: 0x00, OWNED: 0x01 } as const;
/** '8B': how the live pair came to be. */
const PAIR_MAKERS = new Map<number, PairMaker>([
  [0x01, 'delegated'],
  [0x02, 'owner'],
]);

/** `delegated`: made through the session of another domain. `owner`: made in the owner's own AUTHENTICATED session. */
export type PairMaker = 'delegated' | 'owner';

/** What an attestation says (applet README 5.7, key-distribution.md section 6). */
export interface AttestationContent {
  readonly aid: Aid;
  readonly iin: Uint8Array;
  readonly cin: Uint8Array;
  /** '93', serial number of the CASD's own certificate, 1 to 8 bytes. */
  readonly casdSerial: Uint8Array;
  /** The live pair. */
  readonly keyReference: KeyReference;
  readonly publicKey: PublicKey;
  /** SHA-256 over every trust point that the domain holds, see `encodeTrustPoints`. */
  readonly trustPointDigest: Uint8Array;
  /** Every key of every kind that the domain holds, as GET DATA 'E0' gives it: the whole object. */
  readonly keyInformation: Uint8Array;
  readonly owned: boolean;
  readonly maker: PairMaker;
  /** '5F20'; empty when the domain was installed without one. */
  readonly applicationProviderId: Uint8Array;
  readonly nonce: Uint8Array;
}

export interface Attestation extends AttestationContent {
  readonly keys: readonly KeyInformation[];
  /** The bytes whose SHA-256 the security domain hands to the CASD: '80' to '94'. */
  readonly digested: Uint8Array;
  readonly signature: Uint8Array;
}

/** A trust point as the digest '90' covers it. */
export interface AttestedTrustPoint {
  readonly reference: KeyReference;
  readonly publicKey: PublicKey;
  /** CHR that certificates must name; absent where the domain takes any. */
  readonly holderReference?: Uint8Array;
}

/** For each trust point, by ascending KID, then KVN: `KID ‖ KVN ‖ 81 L N ‖ 82 L e ‖ 42 L CHR`, `42 00` without one. */
export function encodeTrustPoints(trustPoints: readonly AttestedTrustPoint[]): Uint8Array {
  const order = ({ reference: { kid, kvn } }: AttestedTrustPoint): number => kid * 256 + kvn;
  const parts = [...trustPoints]
    .sort((a, b) => order(a) - order(b))
    .flatMap(({ reference, publicKey, holderReference }) => [
      Uint8Array.of(reference.kid, reference.kvn),
      encodePublicKeyParts(publicKey),
      encodeTlv(0x42, holderReference ?? new Uint8Array()),
    ]);
  return concat(...parts);
}

/**
 * `80 01 02 ‖ 84 02 KVN KID ‖ 7F49 .. ‖ 90 20 D ‖ E0 .. ‖ 8A 01 owner state ‖ 8B 01 maker ‖ 5F20 L id ‖ 94 10 nonce`:
 * what is digested.
 */
export function encodeAttestedData(content: AttestationContent): Uint8Array {
  const maker = content.maker === 'owner' ? 0x02 : 0x01;
  return concat(
    encodeTlv(0x80, Uint8Array.of(VERSION)),
    encodeTlv(0x84, encodeKeyReference(content.keyReference)),
    encodePublicKey(content.publicKey),
    encodeTlv(0x90, content.trustPointDigest),
    content.keyInformation,
    encodeTlv(0x8a, Uint8Array.of(content.owned ? OWNER_STATE.OWNED : OWNER_STATE.NOT_OWNED)),
    encodeTlv(0x8b, Uint8Array.of(maker)),
    encodeTlv(0x5f20, content.applicationProviderId),
    encodeTlv(0x94, content.nonce),
  );
}

type Subject = Pick<AttestationContent, 'aid' | 'iin' | 'cin' | 'casdSerial'>;

/** `4F L AID ‖ 42 L IIN ‖ 45 L CIN ‖ 93 L serial` */
const encodeSubject = ({ aid: name, iin, cin, casdSerial }: Subject): Uint8Array =>
  concat(encodeTlv(0x4f, name), encodeTlv(0x42, iin), encodeTlv(0x45, cin), encodeTlv(0x93, casdSerial));

/** `4F ‖ 42 ‖ 45 ‖ 93 ‖ A0 20 digest`: what the CASD signs; digest is SHA-256 of the attested data. */
export const encodeAttestationToSign = (subject: Subject, digest: Uint8Array): Uint8Array =>
  concat(encodeSubject(subject), encodeTlv(0xa0, digest));

/** `FF60 L { 4F ‖ 42 ‖ 45 ‖ 93 ‖ attested data ‖ 9E signature }` */
export const encodeAttestation = (content: AttestationContent, signature: Uint8Array): Uint8Array =>
  encodeTlv(0xff60, encodeSubject(content), encodeAttestedData(content), encodeTlv(0x9e, signature));

/**
 * Reads an 'FF60' object; nothing is verified here.
 *
 * @throws WireError `attestation-version` for any version but 2, `attestation-owner` for unknown states and makers
 */
export function decodeAttestation(bytes: Uint8Array): Attestation {
  const outer = new TlvReader(bytes);
  const value = outer.expect(0xff60, { max: LONGEST_ATTESTATION });
  outer.end();
  const reader = new TlvReader(value);
  const name = aid(reader.expect(0x4f, { min: 5, max: 16 }));
  const iin = reader.expect(0x42, { min: 1, max: 16 });
  const cin = reader.expect(0x45, { min: 1, max: 16 });
  const casdSerial = reader.optional(0x93, { min: 1, max: 8 });
  const start = reader.offset;
  const version = reader.optional(0x80, { min: 1, max: 1 })?.[0] ?? 1;
  if (version !== VERSION || casdSerial === undefined) {
    throw new WireError(
      'attestation-version',
      'Only attestations of version 2 are read: the card needs newer applets',
      {
        expected: VERSION,
        got: version,
      },
    );
  }
  const keyReference = decodeKeyReference(reader.expect(0x84));
  const publicKey = decodePublicKeyParts(reader.expect(0x7f49));
  const trustPointDigest = reader.expect(0x90, { min: 32, max: 32 });
  const keyInformation = encodeTlv(0xe0, reader.expect(0xe0, { max: LONGEST_KEY_LIST }));
  const owned = ownerState(reader.expect(0x8a, { min: 1, max: 1 }));
  const maker = pairMaker(reader.expect(0x8b, { min: 1, max: 1 }));
  const applicationProviderId = reader.expect(0x5f20, { max: 16 });
  const nonce = reader.expect(0x94, { min: NONCE_LENGTH, max: NONCE_LENGTH });
  const digested = value.slice(start, reader.offset);
  const signature = reader.expect(0x9e, { min: 64, max: 512 });
  reader.end();
  const keys = decodeKeyInformation(keyInformation);
  return {
    aid: name,
    iin,
    cin,
    casdSerial,
    keyReference,
    publicKey,
    trustPointDigest,
    keyInformation,
    keys,
    owned,
    maker,
    applicationProviderId,
    nonce,
    digested,
    signature,
  };
}

function ownerState([state]: Uint8Array): boolean {
  if (state === OWNER_STATE.OWNED) return true;
  if (state === OWNER_STATE.NOT_OWNED) return false;
  throw new WireError('attestation-owner', "Owner state '8A' is 00 or 01", { got: state });
}

function pairMaker([code]: Uint8Array): PairMaker {
  const maker = PAIR_MAKERS.get(code ?? 0);
  if (maker === undefined)
    throw new WireError('attestation-owner', "Maker of the pair '8B' is 01 or 02", { got: code });
  return maker;
}

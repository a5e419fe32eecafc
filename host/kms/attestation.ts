// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { type TrustAnchor, verifyCardCertificate } from '../crypto/card-certificate.ts';
import { constantTimeEqual } from '../crypto/equal.ts';
import { rsaVerify } from '../crypto/rsa.ts';
import { CertificateError, type ErrorContext } from '../errors.ts';
import {
  type Attestation,
  decodeAttestation,
  encodeAttestationToSign,
  encodeTrustPoints,
} from '../wire/gp/attestation.ts';
import { type Certificate, CHA, decodeCertificate } from '../wire/gp/certificate.ts';
import type { KeyInformation } from '../wire/gp/key-information.ts';
import { KEY_REFERENCE, keyReferenceToHex } from '../wire/gp/key-reference.ts';
import { fromRsaPublicKey, samePublicKey, toRsaPublicKey } from '../wire/gp/public-key.ts';
import { KEY_TYPE } from '../wire/gp/put-key.ts';
import { fromHex, sameBytes, toHex } from '../wire/hex.ts';
import type { AttestationClaim, AttestationFacts } from '../wire/message/kms.ts';

const sha256 = (data: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(data).digest());
const MAX_BYTES = 2048;

type Expected = AttestationClaim['expected'];

function refuse(code: string, message: string, context: ErrorContext = {}): CertificateError {
  return new CertificateError(code, message, context);
}

/** CERT of the CASD under one of the card makers that we trust, for this card. @throws CertificateError, WireError */
function verifyCasd(bytes: Uint8Array, makers: readonly TrustAnchor[], { iin, cin, casdSerial }: Attestation) {
  const { authorityReference } = decodeCertificate(bytes);
  const maker = makers.find(({ holderReference }) => sameBytes(holderReference, authorityReference));
  if (maker === undefined) {
    throw refuse(
      'card-maker-unknown',
      'No trusted card maker certified this CASD: add its key to the configuration if it should be',
      {
        authorityReference: toHex(authorityReference),
      },
    );
  }
  const certificate = verifyCardCertificate(bytes, maker, CHA.CONTROLLING_AUTHORITY);
  requireCard(certificate, iin, cin);
  if (sameBytes(certificate.serial, casdSerial)) return certificate;
  throw refuse('casd-serial', 'The attestation names another certificate of the CASD than the one that was shown', {
    got: toHex(casdSerial),
    expected: toHex(certificate.serial),
  });
}

/** One CASD's key must not speak for every card: its certificate names the card that it is in. */
function requireCard({ card }: Certificate, iin: Uint8Array, cin: Uint8Array): void {
  if (card === undefined) {
    throw refuse('casd-unbound', "The CASD's certificate names no card ('73'): its maker has to issue another one");
  }
  if (sameBytes(card.iin, iin) && sameBytes(card.cin, cin)) return;
  throw refuse('casd-other-card', "The CASD's certificate is for another card", { iin: toHex(iin), cin: toHex(cin) });
}

/** Names of the rows that do not hold. */
const failing = (rows: readonly (readonly [string, boolean])[]): string[] =>
  rows.filter(([, holds]) => !holds).map(([name]) => name);

/** Is it about this domain, this card and this moment? */
function requireSubject(found: Attestation, nonce: Uint8Array, { aid, iin, cin }: Expected): void {
  const wrong = failing([
    ['nonce', constantTimeEqual(found.nonce, nonce)],
    ['aid', toHex(found.aid) === aid],
    ['iin', iin === undefined || toHex(found.iin) === iin],
    ['cin', cin === undefined || toHex(found.cin) === cin],
  ]);
  if (wrong.length === 0) return;
  throw refuse('attestation-subject', `The attestation speaks of another domain, card or moment: ${wrong.join(', ')}`, {
    differs: wrong.join(' '),
  });
}

/** Does the domain hold what it must, and nothing else? */
function requireContent(found: Attestation, expected: Expected): void {
  const { keyReference, publicKey, trustPoint, owned, maker } = expected;
  const trustPoints = encodeTrustPoints([
    {
      reference: KEY_REFERENCE.TRUST_POINT,
      publicKey: fromRsaPublicKey(trustPoint.publicKey),
      holderReference: fromHex(trustPoint.holderReference, 16),
    },
  ]);
  const wrong = failing([
    ['keyReference', keyReference === undefined || keyReferenceToHex(found.keyReference) === keyReference],
    ['publicKey', publicKey === undefined || samePublicKey(found.publicKey, fromRsaPublicKey(publicKey))],
    ['trustPoint', constantTimeEqual(found.trustPointDigest, sha256(trustPoints))],
    ['applicationProviderId', toHex(found.applicationProviderId) === expected.applicationProviderId],
    ['owned', owned === undefined || found.owned === owned],
    ['maker', maker === undefined || found.maker === maker],
  ]);
  const keys = strangeKeys(found);
  if (wrong.length === 0 && keys.length === 0) return;
  const strange = keys.length === 0 ? '' : `; keys that must not be there: ${keys.join(', ')}`;
  const isOwners = wrong.length === 0 && found.owned && isOwnersPair(found) && !keys.some(isMissing);
  throw refuse(
    isOwners ? 'attestation-own-keys' : 'attestation-content',
    `The domain is not what it must be: ${wrong.join(', ') || 'keys'}${strange}`,
    {
      differs: [...wrong, ...(keys.length === 0 ? [] : ['keys'])].join(' '),
      ...(keys.length === 0 ? {} : { keys: keys.join(' ') }),
    },
  );
}

const isOwnersPair = ({ maker, keyReference }: Attestation): boolean =>
  maker === 'owner' && keyReferenceToHex(keyReference) === keyReferenceToHex(KEY_REFERENCE.OWN_KEY_PAIR);

const MISSING = '/missing';
const isMissing = (name: string): boolean => name.endsWith(MISSING);

/** Whatever the key list has beside one RSA trust point and the one live pair: `KVN KID type`, or what is missing. */
function strangeKeys({ keys, keyReference }: Attestation): string[] {
  const wanted = new Set([KEY_REFERENCE.TRUST_POINT, keyReference].map(keyReferenceToHex));
  const strange: string[] = [];
  for (const { reference, components } of keys) {
    const name = keyReferenceToHex(reference);
    // Each reference counts once: a second key under it, of whatever kind, is a strange one.
    if (isRsa(components) && wanted.delete(name)) continue;
    strange.push(`${name}/${(components[0]?.type ?? 0).toString(16).toUpperCase().padStart(2, '0')}`);
  }
  return [...strange, ...[...wanted].map((name) => `${name}${MISSING}`)];
}

const isRsa = (components: KeyInformation['components']): boolean =>
  components.length === 2 &&
  components[0]?.type === KEY_TYPE.RSA_MODULUS &&
  components[1]?.type === KEY_TYPE.RSA_EXPONENT;

/**
 * Verifies an attestation: the CASD's certificate under a card maker and bound to the attested card, the CASD's
 * signature, that it speaks of this domain, card and nonce, and that the domain holds exactly what is expected.
 *
 * @throws CertificateError `card-maker-unknown`, `certificate-*`, `casd-unbound`, `casd-other-card`, `casd-serial`,
 *   `attestation-signature`, `attestation-subject`; `attestation-content` when all of that is right, and what is in
 *   the domain is not; `attestation-own-keys` when that is right too, but for keys that only the owner of a domain with
 *   a pair of its own can have put there
 * @throws WireError when malformed, `attestation-version` for version 1
 * @see key-distribution.md section 6; applet README 5.7
 */
export function verifyAttestation(
  claim: AttestationClaim,
  nonce: Uint8Array,
  makers: readonly TrustAnchor[],
): AttestationFacts {
  const found = decodeAttestation(fromHex(claim.attestation, MAX_BYTES));
  const casd = verifyCasd(fromHex(claim.casdCertificate, MAX_BYTES), makers, found);
  const signed = encodeAttestationToSign(found, sha256(found.digested));
  if (!rsaVerify(casd.publicKey, 'sha256', signed, found.signature)) {
    throw refuse('attestation-signature', 'The CASD did not sign this attestation');
  }
  requireSubject(found, nonce, claim.expected);
  requireContent(found, claim.expected);
  return {
    aid: toHex(found.aid),
    iin: toHex(found.iin),
    cin: toHex(found.cin),
    keyReference: keyReferenceToHex(found.keyReference),
    publicKey: toRsaPublicKey(found.publicKey),
    owned: found.owned,
    maker: found.maker,
    casdHolderReference: toHex(casd.holderReference),
  };
}

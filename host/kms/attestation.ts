import { createHash } from 'node:crypto';
import { type TrustAnchor, verifyCardCertificate } from '../crypto/card-certificate.ts';
import { constantTimeEqual } from '../crypto/equal.ts';
import { rsaVerify } from '../crypto/rsa.ts';
import { CertificateError } from '../errors.ts';
import { type Attestation, decodeAttestation, encodeAttestationToSign } from '../wire/gp/attestation.ts';
import { type Certificate, CHA, decodeCertificate } from '../wire/gp/certificate.ts';
import { keyReferenceToHex } from '../wire/gp/key-reference.ts';
import { encodePublicKeyParts, fromRsaPublicKey, samePublicKey, toRsaPublicKey } from '../wire/gp/public-key.ts';
import { fromHex, sameBytes, toHex } from '../wire/hex.ts';
import type { AttestationClaim, AttestationFacts } from '../wire/message/kms.ts';

const sha256 = (data: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(data).digest());
const MAX_BYTES = 2048;

function refuse(code: string, message: string, context = {}): CertificateError {
  return new CertificateError(code, message, context);
}

/** CERT of the CASD under one of the card makers that we trust. @throws CertificateError, WireError */
function verifyCasd(bytes: Uint8Array, makers: readonly TrustAnchor[]): Certificate {
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
  return verifyCardCertificate(bytes, maker, CHA.CONTROLLING_AUTHORITY);
}

/** Which of the claims the attestation does not bear out; empty when it bears out all. */
function differences(found: Attestation, nonce: Uint8Array, { expected }: AttestationClaim): string[] {
  const trustPointDigest = sha256(encodePublicKeyParts(fromRsaPublicKey(expected.trustPoint)));
  const { publicKey, iin, cin } = expected;
  const rows: readonly (readonly [string, boolean])[] = [
    ['nonce', constantTimeEqual(found.nonce, nonce)],
    ['aid', toHex(found.aid) === expected.aid],
    ['keyReference', keyReferenceToHex(found.keyReference) === expected.keyReference],
    ['trustPoint', constantTimeEqual(found.trustPointDigest, trustPointDigest)],
    ['publicKey', publicKey === undefined || samePublicKey(found.publicKey, fromRsaPublicKey(publicKey))],
    ['iin', iin === undefined || toHex(found.iin) === iin],
    ['cin', cin === undefined || toHex(found.cin) === cin],
  ];
  return rows.filter(([, same]) => !same).map(([name]) => name);
}

/**
 * Verifies an attestation: the CASD's certificate under a card maker, the CASD's signature, and that it says
 * exactly what is expected, for this nonce.
 *
 * @throws CertificateError `card-maker-unknown`, `certificate-*`, `attestation-signature`, `attestation-content`
 * @throws WireError when malformed
 * @see key-distribution.md section 6; applet README 5.7
 */
export function verifyAttestation(
  claim: AttestationClaim,
  nonce: Uint8Array,
  makers: readonly TrustAnchor[],
): AttestationFacts {
  const casd = verifyCasd(fromHex(claim.casdCertificate, MAX_BYTES), makers);
  const found = decodeAttestation(fromHex(claim.attestation, MAX_BYTES));
  const signed = encodeAttestationToSign(found, sha256(found.digested));
  if (!rsaVerify(casd.publicKey, 'sha256', signed, found.signature)) {
    throw refuse('attestation-signature', 'The CASD did not sign this attestation');
  }
  const wrong = differences(found, nonce, claim);
  if (wrong.length > 0) {
    throw refuse('attestation-content', `The attestation speaks of something else: ${wrong.join(', ')}`, {
      differs: wrong.join(' '),
    });
  }
  return {
    aid: toHex(found.aid),
    iin: toHex(found.iin),
    cin: toHex(found.cin),
    keyReference: keyReferenceToHex(found.keyReference),
    publicKey: toRsaPublicKey(found.publicKey),
    casdHolderReference: toHex(casd.holderReference),
  };
}

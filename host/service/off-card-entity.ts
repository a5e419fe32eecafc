// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { verifyCardCertificate } from '../crypto/card-certificate.ts';
import { CertificateError, ConflictError } from '../errors.ts';
import { type CertificateTables, findCertificateRow, putCertificateRow } from '../store/certificates.ts';
import { CHA, decodeCertificate } from '../wire/gp/certificate.ts';
import { fromRsaPublicKey, samePublicKey } from '../wire/gp/public-key.ts';
import { fromHex } from '../wire/hex.ts';
import type { RsaPublicKey } from '../wire/message/common.ts';
import type { CardCertificate, CertificateAuthorityInfo } from '../wire/message/kms.ts';
import type { Kms } from '../workflow/ports.ts';

/** The platform's own key pair in its KMS, and CERT.OCE.AUT. */

export interface OffCardEntity {
  readonly label: string;
  readonly certificate: string;
}

/**
 * Makes the pair and has the own CA certify it, once: CERT.OCE.AUT stays the same until it is replaced.
 *
 * @throws ConflictError `kms-changed` when the KMS is not the one that made what the database has
 */
export async function provideOffCardEntity(
  database: Kysely<CertificateTables>,
  kms: Kms,
  wanted: { readonly label: string; readonly holderReference: string; readonly keySizeBits: 1024 | 2048 | 3072 },
): Promise<OffCardEntity> {
  const { label, holderReference, keySizeBits } = wanted;
  const known = await findCertificateRow(database, label);
  if (known !== undefined) requireIssuer(known, await kms.certificateAuthority());
  const { publicKey } = await kms.createKeyPair({ label, purpose: 'off-card-entity', keySizeBits });
  if (known !== undefined) requirePair(known, publicKey);
  if (known?.holderReference === holderReference) return { label, certificate: known.certificate };
  const issued = await kms.issueOffCardEntityCertificate({ label, holderReference });
  await putCertificateRow(database, label, issued);
  return { label, certificate: issued.certificate };
}

/** The kept certificate is worth nothing without its own pair. */
function requirePair({ certificate }: CardCertificate, publicKey: RsaPublicKey): void {
  if (!samePublicKey(decodeCertificate(fromHex(certificate, 2048)).publicKey, fromRsaPublicKey(publicKey))) {
    throw otherKms('has another key pair');
  }
}

/** @throws ConflictError `kms-changed` unless this CA signed the kept certificate */
function requireIssuer({ certificate }: CardCertificate, ca: CertificateAuthorityInfo): void {
  const anchor = { holderReference: fromHex(ca.holderReference, 16), publicKey: fromRsaPublicKey(ca.publicKey) };
  try {
    verifyCardCertificate(fromHex(certificate, 2048), anchor, CHA.OFF_CARD_ENTITY);
  } catch (error) {
    if (error instanceof CertificateError) throw otherKms('has another CA', error);
    throw error;
  }
}

const otherKms = (what: string, cause?: unknown): ConflictError =>
  new ConflictError(
    'kms-changed',
    `The KMS ${what} than this platform's database knows: check keyFolder of the KMS, or restore it from its backup. ` +
      'Cards trust the old one. Only to begin anew: delete the rows of table certificates',
    {},
    cause,
  );

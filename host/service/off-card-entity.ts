import type { Kysely } from 'kysely';
import { type CertificateTables, findCertificateRow, putCertificateRow } from '../store/certificates.ts';
import { decodeCertificate } from '../wire/gp/certificate.ts';
import { fromRsaPublicKey, samePublicKey } from '../wire/gp/public-key.ts';
import { fromHex } from '../wire/hex.ts';
import type { RsaPublicKey } from '../wire/message/common.ts';
import type { CardCertificate } from '../wire/message/kms.ts';
import type { Kms } from '../workflow/ports.ts';

/** The platform's own key pair in its KMS, and CERT.OCE.AUT. */

export interface OffCardEntity {
  readonly label: string;
  readonly certificate: string;
}

/** Makes the pair and has the own CA certify it, once: CERT.OCE.AUT stays the same until it is replaced. */
export async function provideOffCardEntity(
  database: Kysely<CertificateTables>,
  kms: Kms,
  wanted: { readonly label: string; readonly holderReference: string; readonly keySizeBits: 1024 | 2048 | 3072 },
): Promise<OffCardEntity> {
  const { label, holderReference, keySizeBits } = wanted;
  const { publicKey } = await kms.createKeyPair({ label, purpose: 'off-card-entity', keySizeBits });
  const known = await findCertificateRow(database, label);
  if (known?.holderReference === holderReference && certifies(known, publicKey)) {
    return { label, certificate: known.certificate };
  }
  const issued = await kms.issueOffCardEntityCertificate({ label, holderReference });
  await putCertificateRow(database, label, issued);
  return { label, certificate: issued.certificate };
}

/** False after the KMS got a new key: the kept certificate is worth nothing then. */
const certifies = ({ certificate }: CardCertificate, publicKey: RsaPublicKey): boolean =>
  samePublicKey(decodeCertificate(fromHex(certificate, 2048)).publicKey, fromRsaPublicKey(publicKey));

import type { Kysely } from 'kysely';
import { type CertificateTables, findCertificateRow, putCertificateRow } from '../store/certificates.ts';
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
  await kms.createKeyPair({ label, purpose: 'off-card-entity', keySizeBits });
  const known: CardCertificate | undefined = await findCertificateRow(database, label);
  if (known?.holderReference === holderReference) return { label, certificate: known.certificate };
  const issued = await kms.issueOffCardEntityCertificate({ label, holderReference });
  await putCertificateRow(database, label, issued);
  return { label, certificate: issued.certificate };
}

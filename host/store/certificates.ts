// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import type { CardCertificate } from '../wire/message/kms.ts';

/** Certificates of the platform's own keys, by key label. */

export const CERTIFICATES_SQL = `
  CREATE TABLE certificates (label text PRIMARY KEY, holder_reference text NOT NULL, certificate text NOT NULL);
`;

export interface CertificateTables {
  certificates: { label: string; holder_reference: string; certificate: string };
}

export async function putCertificateRow(
  database: Kysely<CertificateTables>,
  label: string,
  { holderReference, certificate }: CardCertificate,
): Promise<void> {
  const values = { label, holder_reference: holderReference, certificate };
  await database
    .insertInto('certificates')
    .values(values)
    .onConflict((conflict) => conflict.column('label').doUpdateSet(values))
    .execute();
}

export async function findCertificateRow(
  database: Kysely<CertificateTables>,
  label: string,
): Promise<CardCertificate | undefined> {
  const row = await database.selectFrom('certificates').selectAll().where('label', '=', label).executeTakeFirst();
  return row === undefined ? undefined : { certificate: row.certificate, holderReference: row.holder_reference };
}

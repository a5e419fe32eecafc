// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import { type OffCardEntity, provideOffCardEntity } from '../service/off-card-entity.ts';
import type { CertificateTables } from '../store/certificates.ts';
import type { Kms } from '../workflow/ports.ts';
import { DEFAULTS, OFF_CARD_ENTITY_LABEL } from './platform-config.ts';
import { waitFor } from './wait-for.ts';

/** The part of a platform's config that its own pair needs. */
interface EntityConfig {
  readonly kms: { readonly url: string };
  readonly holderReference: string;
  readonly offCardEntityKeySizeBits?: 1024 | 2048 | 3072;
}

/** Waits for the KMS, and gives the platform's own pair and CERT.OCE.AUT. @throws ConflictError `kms-changed` */
export function platformEntity(
  { config, logger }: { readonly config: EntityConfig; readonly logger: Logger },
  database: Kysely<CertificateTables>,
  kms: Kms,
): Promise<OffCardEntity> {
  const { holderReference, offCardEntityKeySizeBits: keySizeBits = DEFAULTS.offCardEntityKeySizeBits } = config;
  return waitFor(logger, `the KMS at ${config.kms.url}`, () =>
    provideOffCardEntity(database, kms, { label: OFF_CARD_ENTITY_LABEL, holderReference, keySizeBits }),
  );
}

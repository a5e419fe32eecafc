// SPDX-License-Identifier: Apache-2.0
import { ConflictError } from '../../errors.ts';
import { findSecurityDomainRow } from '../../store/provider/security-domains.ts';
import type { OnItsCard, ServiceContext } from './context.ts';

/**
 * S3: the domain of services is on this card and ours alone; where it is not, 41 to 60 of the key distribution bring
 * it there.
 */
export async function provideSecurityDomain({ cardId }: OnItsCard, context: ServiceContext) {
  const isOurs = async () => (await findSecurityDomainRow(context.database, cardId))?.state === 'certified';
  if (await isOurs()) return {};
  await context.distributeKeys();
  if (await isOurs()) return {};
  throw new ConflictError('security-domain-unfinished', 'The domain on this card is not ours: see its distribution');
}

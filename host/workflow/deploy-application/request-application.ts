// SPDX-License-Identifier: Apache-2.0
import { randomBytes, randomUUID } from 'node:crypto';
import type { CardIdentity } from '../../card/identity.ts';
import { ConflictError } from '../../errors.ts';
import { cardIdText } from '../../store/card-id.ts';
import { findSecurityDomainRow } from '../../store/provider/security-domains.ts';
import { provideInstance } from '../../store/provider/service-instances.ts';
import { toHex } from '../../wire/hex.ts';
import { PURSE_ALGORITHM } from '../../wire/purse/values.ts';
import { requireFinished } from '../key-distribution/54-select-security-domain.ts';
import type { DeployContext, DeployStart, Named } from './context.ts';
import { waitForIssuer, withRelay } from './wait-for-issuer.ts';

/** Serial of a new purse: eight bytes, random but for the first, so that no two are alike and none begins with 00. */
export const newSerial = (): string => `41${toHex(randomBytes(7))}`;

/**
 * D2: names the purse, and asks the issuer to load and install it into the provider's domain, holding a relay open.
 *
 * @throws ConflictError `other-card` when it is not the one that this is for, `security-domain-unfinished` before 60 of
 *     the key distribution
 */
export async function requestApplication(
  facts: DeployStart & CardIdentity & { readonly insertion: string },
  context: DeployContext,
): Promise<Named> {
  const { workflowId, settings, product, database, installer } = context;
  const { cardId, onlyCard = cardId } = facts;
  if (cardIdText(onlyCard) !== cardIdText(cardId))
    throw new ConflictError(
      'other-card',
      `Another card is in ${facts.readerName}: put the one of this deployment there`,
    );
  requireFinished(await findSecurityDomainRow(database, cardId));
  const instance = await provideInstance(database, {
    productId: product.productId,
    cardId,
    instanceId: randomUUID(),
    serial: newSerial(),
  });
  await withRelay(facts, context, async () => {
    const first = await installer.requestApplication(workflowId, {
      cardId,
      productId: product.productId,
      ssdAid: settings.ssdAid,
      relayId: workflowId,
      loadFileAid: product.loadFileAid,
      loadFile: product.loadFile,
      moduleAid: product.moduleAid,
      instanceAid: product.instanceAid,
      parameters: toHex(Uint8Array.of(0x80, 0x01, PURSE_ALGORITHM[product.algorithm])),
    });
    await waitForIssuer(first, context);
  });
  return { instance };
}

// SPDX-License-Identifier: Apache-2.0
import { recordCreated, recordCreating } from '../../../store/issuer/applications.ts';
import { aid } from '../../../wire/gp/aid.ts';
import { installSecurityDomain } from '../../../wire/gp/install.ts';
import type { CardResponse } from '../../../wire/message/card-script.ts';
import type { IssuerLook } from '../45-select-issuer-security-domain.ts';
import { installUnlessHidden, refuseHidden } from '../install-domain.ts';
import { auditRequest, type DomainStart, type IssuerContext, type WishedKeys } from '../issuer-context.ts';
import { privilegesOf } from '../wished-domain.ts';

/** SCP03 i=70: pseudo-random challenges, R-MAC and R-ENC. @see GPC_SPE_014 5.1 */
const SCP03 = 0x0370;

/** The issuer's own key for keys of cards, by its label. */
export const STORAGE_KEY = 'card-keys';

/**
 * 47 for a domain that is opened with keys alone: SCP03, and no application provider who would have certificates. The
 * keys are made before the card is touched: whose transport key it is turns out there.
 *
 * @throws LifeCycleError `security-domain-hidden`
 */
export async function* installKeyedDomain(
  facts: DomainStart & IssuerLook & { readonly keys: WishedKeys },
  context: IssuerContext,
) {
  const { request, ssdPresent, wished, keys } = facts;
  const wanted = { transportKey: keys.keyIndex, owner: request.providerId, lengthBits: keys.lengthBits };
  const madeKeys = await context.kms.domainKeys.create({ storageKey: STORAGE_KEY, ...wanted });
  const { cardId, ssdAid, providerId } = request;
  const audit = { numeral: '47', act: 'INSTALL [for install]', details: { ssdPresent } };
  await recordCreating(context.database, { cardId, aid: ssdAid, providerId, workflowId: context.workflowId });
  if (!ssdPresent) {
    await auditRequest(context, facts, { ...audit, phase: 'before' });
    const command = installSecurityDomain({
      instance: aid(ssdAid),
      protocol: SCP03,
      privileges: privilegesOf(wished, false),
      ...(wished?.memory === undefined ? {} : { memory: wished.memory }),
    });
    const responses: readonly CardResponse[] = yield [installUnlessHidden(command)];
    refuseHidden(responses[0]);
  }
  const maker = ssdPresent ? {} : { workflowId: context.workflowId };
  await recordCreated(context.database, { cardId, providerId, aid: ssdAid, ...maker });
  await auditRequest(context, facts, { ...audit, phase: 'after' });
  return { madeKeys };
}

// SPDX-License-Identifier: Apache-2.0
import { recordCreated, recordCreating } from '../../store/issuer/applications.ts';
import { putDelegatedDomain } from '../../store/issuer/content-tokens.ts';
import { aid } from '../../wire/gp/aid.ts';
import { installSecurityDomain as install } from '../../wire/gp/install.ts';
import { fromHex } from '../../wire/hex.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import type { IssuerLook } from './45-select-issuer-security-domain.ts';
import type { CardNumbers } from './delegation.ts';
import { installUnlessHidden, refuseHidden } from './install-domain.ts';
import { auditRequest, type IssuerContext, type IssuerStart } from './issuer-context.ts';
import { privilegesOf } from './wished-domain.ts';

/**
 * Step 47: INSTALL [for install] makes the SSD, unless an interrupted try has made it; with Delegated Management where
 * the provider is permitted to have it.
 *
 * @throws LifeCycleError `security-domain-hidden`
 * @throws ConflictError `load-file-taken` where tokens for a domain that was here before would be good again, and
 *     another provider has the name of what they load
 */
export async function* installSecurityDomain(
  facts: IssuerStart & IssuerLook & { readonly cardNumbers?: CardNumbers },
  context: IssuerContext,
) {
  const { request, ssdPresent, cardNumbers, wished } = facts;
  const { cardId, ssdAid, providerId, applicationProviderId } = request;
  const delegated = cardNumbers !== undefined;
  const audit = { numeral: '47', act: 'INSTALL [for install]', details: { ssdPresent, delegated } };
  await recordCreating(context.database, { cardId, aid: ssdAid, providerId, workflowId: context.workflowId });
  // Whatever becomes of it, the card may take tokens for it from now on.
  if (delegated)
    await putDelegatedDomain(context.database, { cardId, ssdAid, providerId, applicationProviderId, ...cardNumbers });
  if (!ssdPresent) {
    await auditRequest(context, facts, { ...audit, phase: 'before' });
    const command = install({
      instance: aid(ssdAid),
      applicationProviderId: fromHex(applicationProviderId, 16),
      privileges: privilegesOf(wished, delegated),
      ...(wished?.memory === undefined ? {} : { memory: wished.memory }),
    });
    const responses: readonly CardResponse[] = yield [installUnlessHidden(command)];
    refuseHidden(responses[0]);
  }
  const maker = ssdPresent ? {} : { workflowId: context.workflowId };
  await recordCreated(context.database, { cardId, providerId, aid: ssdAid, ...maker });
  await auditRequest(context, facts, { ...audit, phase: 'after' });
  return {};
}

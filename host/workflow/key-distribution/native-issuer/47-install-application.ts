// SPDX-License-Identifier: Apache-2.0
import { recordCreated, recordCreating } from '../../../store/issuer/applications.ts';
import { aid } from '../../../wire/gp/aid.ts';
import { installSecurityDomain as install } from '../../../wire/gp/install.ts';
import { fromHex } from '../../../wire/hex.ts';
import type { CardResponse } from '../../../wire/message/card-script.ts';
import type { IssuerLook } from '../45-select-issuer-security-domain.ts';
import { installUnlessHidden, refuseHidden } from '../install-domain.ts';
import { auditRequest, type IssuerContext, type IssuerStart } from '../issuer-context.ts';

/**
 * Step 47 where the ISD is the card maker's: the provider's domain as an ordinary application, with no privilege and
 * with key objects of the one size that was asked for.
 *
 * @throws LifeCycleError `security-domain-hidden`
 */
export async function* installAsApplication(facts: IssuerStart & IssuerLook, context: IssuerContext) {
  const { request } = facts;
  const { cardId, ssdAid, providerId, applicationProviderId, keySizeBits } = request;
  const audit = { numeral: '47', act: 'INSTALL [for install]', details: { ssdPresent: facts.ssdPresent } };
  await recordCreating(context.database, { cardId, aid: ssdAid, providerId, workflowId: context.workflowId });
  if (!facts.ssdPresent) {
    await auditRequest(context, facts, { ...audit, phase: 'before' });
    const owner = { applicationProviderId: fromHex(applicationProviderId, 16), keySizeBits };
    const responses: readonly CardResponse[] = yield [
      installUnlessHidden(install({ instance: aid(ssdAid), privileges: 0, ...owner })),
    ];
    refuseHidden(responses[0]);
  }
  const maker = facts.ssdPresent ? {} : { workflowId: context.workflowId };
  await recordCreated(context.database, { cardId, providerId, aid: ssdAid, ...maker });
  await auditRequest(context, facts, { ...audit, phase: 'after' });
  return {};
}

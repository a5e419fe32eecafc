// SPDX-License-Identifier: Apache-2.0
import { recordCreated, recordCreating } from '../../store/issuer/applications.ts';
import { aid } from '../../wire/gp/aid.ts';
import { toPlainCommand } from '../../wire/gp/command.ts';
import { installSecurityDomain as install } from '../../wire/gp/install.ts';
import { fromHex } from '../../wire/hex.ts';
import type { IssuerLook } from './45-select-issuer-security-domain.ts';
import { auditRequest, type IssuerContext, type IssuerStart } from './issuer-context.ts';

/** Step 47: INSTALL [for install] makes the SSD, unless an interrupted try has made it. */
export async function* installSecurityDomain(facts: IssuerStart & IssuerLook, context: IssuerContext) {
  const { request } = facts;
  const { cardId, ssdAid, providerId, applicationProviderId } = request;
  const audit = { numeral: '47', act: 'INSTALL [for install]', details: { ssdPresent: facts.ssdPresent } };
  await recordCreating(context.database, { cardId, aid: ssdAid, providerId, workflowId: context.workflowId });
  if (!facts.ssdPresent) {
    await auditRequest(context, facts, { ...audit, phase: 'before' });
    yield [
      toPlainCommand(install({ instance: aid(ssdAid), applicationProviderId: fromHex(applicationProviderId, 16) })),
    ];
  }
  await recordCreated(context.database, cardId, ssdAid);
  await auditRequest(context, facts, { ...audit, phase: 'after' });
  return {};
}

// SPDX-License-Identifier: Apache-2.0
import { aid } from '../../wire/gp/aid.ts';
import { toPlainCommand } from '../../wire/gp/command.ts';
import { installForPersonalization } from '../../wire/gp/install.ts';
import { storePurseKeys, storePursePublicData } from '../../wire/purse/personalization.ts';
import { type KnownCard, rowOfVisit } from '../key-distribution/54-select-security-domain.ts';
import { auditSecurityDomain } from '../key-distribution/provider-context.ts';
import type { DeployContext, Named } from './context.ts';

type Facts = KnownCard & Named & { readonly personalised: boolean };

/** D11: INSTALL [for personalization] in the provider's own session. */
export async function* namePurse({ personalised }: Facts, { product }: DeployContext) {
  if (personalised) return {};
  yield [toPlainCommand(installForPersonalization(aid(product.instanceAid)))];
  return {};
}

/** D11a: STORE DATA, the keys filled in by the KMS under the session's DEK: they are seen by it and the card alone. */
export async function* personalisePurse(facts: Facts, context: DeployContext) {
  if (facts.personalised) return {};
  const { serial } = facts.instance;
  const { keySet, maxBalance } = context.product;
  const audit = { numeral: 'D11a', act: 'personalise purse', details: { serial } };
  const { certificate: receiver } = await rowOfVisit(facts, context);
  await auditSecurityDomain(context, facts.cardId, { ...audit, phase: 'before' });
  yield [
    toPlainCommand(storePursePublicData({ serial, maxDeposit: 0, maxPurse: maxBalance })),
    {
      ...toPlainCommand(storePurseKeys()),
      purseKeys: { keySet, serial },
      ...(receiver === undefined ? {} : { receiver }),
    },
  ];
  await auditSecurityDomain(context, facts.cardId, { ...audit, phase: 'after' });
  return {};
}

// SPDX-License-Identifier: Apache-2.0
import { type Card, requireOwnDomain } from '../../store/issuer/cards.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import type { IssuerContext } from './issuer-context.ts';

/**
 * Step 46: SCP10 with the ISD, here up to GET CHALLENGE. EXTERNAL and INTERNAL AUTHENTICATE travel with the
 * commands of 47 to 51, once 45 has found the card to be the right one.
 */
export async function* openIssuerChannel({ card }: { readonly card: Card }, context: IssuerContext) {
  const { isdPublicKey, isdKeyReference } = requireOwnDomain(card);
  const { offCardEntityLabel, offCardEntityCertificate } = context.settings;
  const script = await context.kms.openSecureChannel({
    flow: context.workflowId,
    protocol: 'scp10',
    options: '02',
    securityLevel: '33',
    offCardEntityLabel,
    certificates: [offCardEntityCertificate],
    securityDomainKey: isdPublicKey,
    keyReference: isdKeyReference,
  });
  context.channel.opening(script.channelId);
  const responses: readonly CardResponse[] = yield script.commands;
  context.channel.opened(responses);
  return {};
}

// SPDX-License-Identifier: Apache-2.0
import type { CardResponse } from '../../wire/message/card-script.ts';
import { type KnownCard, requireRow } from './54-select-security-domain.ts';
import type { ProviderContext } from './provider-context.ts';

/**
 * Step 55: SCP10 with the SSD, here up to GET CHALLENGE. EXTERNAL and INTERNAL AUTHENTICATE travel with the
 * commands of 56, once 54a has found the SSD to be ours alone.
 */
export async function* openProviderChannel(facts: KnownCard, context: ProviderContext) {
  const { keyReference, publicKey } = await requireRow(facts, context);
  const { offCardEntityLabel, offCardEntityCertificate } = context.settings;
  const script = await context.kms.openSecureChannel({
    flow: context.workflowId,
    protocol: 'scp10',
    options: '02',
    securityLevel: '33',
    offCardEntityLabel,
    certificates: [offCardEntityCertificate],
    securityDomainKey: publicKey,
    keyReference,
  });
  context.channel.opening(script.channelId);
  const responses: readonly CardResponse[] = yield script.commands;
  context.channel.opened(responses);
  return {};
}

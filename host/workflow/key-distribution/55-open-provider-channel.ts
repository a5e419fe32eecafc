// SPDX-License-Identifier: Apache-2.0
import type { CardResponse } from '../../wire/message/card-script.ts';
import type { SecurityDomainRow } from '../../wire/message/key-distribution.ts';
import type { SecureChannelScript } from '../../wire/message/kms.ts';
import { type KnownCard, rowOfVisit } from './54-select-security-domain.ts';
import type { ProviderContext } from './provider-context.ts';

/**
 * Step 55: SCP10 with the SSD, here up to GET CHALLENGE. EXTERNAL and INTERNAL AUTHENTICATE travel with the
 * commands of 56, once 54a has found the SSD to be ours alone.
 */
export async function* openProviderChannel(facts: KnownCard, context: ProviderContext) {
  const row = await rowOfVisit(facts, context);
  const script = context.channel.takePrepared() ?? (await openingScript(row, context));
  context.channel.opening(script.channelId);
  const responses: readonly CardResponse[] = yield script.commands;
  context.channel.opened(responses);
  return {};
}

/** One call to the KMS for the channel of 55 and the challenges of 54a and 57a, which travel beside it. */
export async function prepareProviderChannel(row: SecurityDomainRow, context: ProviderContext): Promise<void> {
  context.channel.prepare(await openingScript(row, context, { challenges: CHALLENGES }));
}

const CHALLENGES = 2;

function openingScript(
  { keyReference, publicKey }: SecurityDomainRow,
  { kms, settings, workflowId }: ProviderContext,
  more: { readonly challenges?: number } = {},
): Promise<SecureChannelScript> {
  const { offCardEntityLabel, offCardEntityCertificate } = settings;
  return kms.openSecureChannel({
    flow: workflowId,
    protocol: 'scp10',
    options: '02',
    securityLevel: '33',
    ...more,
    offCardEntityLabel,
    certificates: [offCardEntityCertificate],
    securityDomainKey: publicKey,
    keyReference,
  });
}

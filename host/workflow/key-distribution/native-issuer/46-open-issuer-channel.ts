// SPDX-License-Identifier: Apache-2.0
import { nativeIssuerProfile } from '../../../card/profile/native-issuer.ts';
import { type Card, requireNativeIssuer } from '../../../store/issuer/cards.ts';
import { toHex } from '../../../wire/hex.ts';
import type { CardResponse } from '../../../wire/message/card-script.ts';
import type { IssuerContext, IssuerStart } from '../issuer-context.ts';

/**
 * Step 46 where the ISD is the card maker's: SCP02 or SCP03 by the card's profile, here INITIALIZE UPDATE. The KMS
 * verifies the card's cryptogram before EXTERNAL AUTHENTICATE leaves it, which travels with 46a.
 */
export async function* openNativeIssuerChannel(
  { card }: IssuerStart & { readonly card: Card },
  context: IssuerContext,
) {
  const { isdAid, isdKeySet } = requireNativeIssuer(card);
  const { protocol, option, level } = nativeIssuerProfile(isdKeySet.profile);
  const hex = (byte: number) => toHex(Uint8Array.of(byte));
  const script = await context.kms.openSecureChannel({
    flow: context.workflowId,
    protocol,
    aid: isdAid,
    option: hex(option),
    securityLevel: hex(level),
    keySet: isdKeySet.keySet,
    derivation: isdKeySet.derivation,
    keyVersion: isdKeySet.keyVersion,
    ...(isdKeySet.keyBlocks === undefined ? {} : { keyBlocks: isdKeySet.keyBlocks }),
  });
  context.channel.opening(script.channelId);
  const responses: readonly CardResponse[] = yield script.commands;
  context.channel.opened(responses);
  return {};
}

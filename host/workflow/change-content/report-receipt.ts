// SPDX-License-Identifier: Apache-2.0
import type { ChangeContext, Granted } from './context.ts';

/** C6: the card's receipt goes to the issuer, who checks it; where the answer was lost, that goes. */
export async function reportReceipt(
  { granted, confirmation }: Granted & { readonly confirmation?: string },
  { tokens }: ChangeContext,
) {
  const report = confirmation === undefined ? {} : { confirmation };
  return { receipt: await tokens.reportReceipt(granted.tokenId, report) };
}

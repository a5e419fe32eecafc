// SPDX-License-Identifier: Apache-2.0
import type { ProductStateChange } from '../../wire/message/platform.ts';
import type { ProviderStates } from './context.ts';

/** B6: tells the provider that a product has changed. It acknowledges a change that it knows already, too. */
export async function synchroniseProvider(change: ProductStateChange, provider: ProviderStates): Promise<void> {
  await provider.changeProductState(change);
}

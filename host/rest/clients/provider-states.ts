// SPDX-License-Identifier: Apache-2.0
import type { ProviderStates } from '../../workflow/loss-report/context.ts';
import type { RestClient } from '../client.ts';

/** Longest wait for an acknowledgement; the row of the outbox is locked meanwhile. */
const TIMEOUT_MS = 10_000;

/** A `provider` daemon, for its issuer's outbox. */
export function providerStatesClient(client: RestClient): ProviderStates {
  return {
    changeProductState: async (body) => {
      await client.call({ method: 'POST', path: '/v1/product-state-changes', body, timeoutMs: TIMEOUT_MS });
    },
    putProductStates: async ({ kind, value }, body) => {
      await client.call({ method: 'PUT', path: `/v1/product-states/${kind}/${value}`, body, timeoutMs: TIMEOUT_MS });
    },
  };
}

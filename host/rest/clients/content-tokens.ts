// SPDX-License-Identifier: Apache-2.0
import { GrantedToken, ReceiptState } from '../../wire/message/content-change.ts';
import type { TokenIssuer } from '../../workflow/change-content/context.ts';
import type { RestClient } from '../client.ts';

const PATH = '/v1/content-tokens';

/** The `issuer` daemon, for what a provider changes by its tokens. */
export function tokenIssuerClient(client: RestClient): TokenIssuer {
  return {
    requestToken: (idempotencyKey, body) =>
      client.call({ method: 'POST', path: PATH, idempotencyKey, body, response: GrantedToken, retries: 2 }),
    reportReceipt: (tokenId, body) =>
      client.call({
        method: 'POST',
        path: `${PATH}/${encodeURIComponent(tokenId)}/receipt`,
        body,
        response: ReceiptState,
        retries: 2,
      }),
  };
}

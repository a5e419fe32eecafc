// SPDX-License-Identifier: Apache-2.0
import { SecurityDomainRequestState } from '../../wire/message/key-distribution.ts';
import type { IssuerPlatform } from '../../workflow/ports.ts';
import type { RestClient } from '../client.ts';

const PATH = '/v1/security-domain-requests';

/** The `issuer` daemon, for a provider. */
export function issuerClient(client: RestClient): IssuerPlatform {
  return {
    requestSecurityDomain: (idempotencyKey, body, { waitMs, afterStep } = { waitMs: 0 }) =>
      client.call({
        method: 'POST',
        path: PATH,
        query: waitMs === 0 ? {} : { waitMs, afterStep },
        timeoutMs: waitMs + 15_000,
        idempotencyKey,
        body,
        response: SecurityDomainRequestState,
        retries: 2,
      }),
    securityDomainRequest: (requestId, { waitMs, afterStep }) =>
      client.call({
        method: 'GET',
        path: `${PATH}/${encodeURIComponent(requestId)}`,
        query: { waitMs, afterStep },
        response: SecurityDomainRequestState,
        timeoutMs: waitMs + 15_000,
        retries: 2,
      }),
  };
}

// SPDX-License-Identifier: Apache-2.0
import { ApplicationRequestState, Permit } from '../../wire/message/platform.ts';
import type { Installer } from '../../workflow/deploy-application/context.ts';
import type { LoadPermits } from '../../workflow/top-up/context.ts';
import type { RestClient } from '../client.ts';

const PATH = '/v1/application-requests';
/** Much less than a permit holds. */
const PERMIT_TIMEOUT_MS = 3_000;

/** The `issuer` daemon, for what a provider wants on its cards. */
export function installerClient(client: RestClient): Installer {
  return {
    requestApplication: (idempotencyKey, body) =>
      client.call({ method: 'POST', path: PATH, idempotencyKey, body, response: ApplicationRequestState, retries: 2 }),
    removeApplication: (idempotencyKey, body) =>
      client.call({
        method: 'POST',
        path: '/v1/application-removals',
        idempotencyKey,
        body,
        response: ApplicationRequestState,
        retries: 2,
      }),
    applicationRequest: (requestId, { waitMs, afterStep }) =>
      client.call({
        method: 'GET',
        path: `${PATH}/${encodeURIComponent(requestId)}`,
        query: { waitMs, afterStep },
        response: ApplicationRequestState,
        timeoutMs: waitMs + 15_000,
        retries: 2,
      }),
  };
}

/** The `issuer` daemon, before money goes to a card. */
export function loadPermitsClient(client: RestClient): LoadPermits {
  const path = '/v1/load-permits';
  return {
    take: (idempotencyKey, body) =>
      client.call({ method: 'POST', path, idempotencyKey, body, response: Permit, timeoutMs: PERMIT_TIMEOUT_MS }),
    release: async (idempotencyKey) => {
      await client.call({ method: 'POST', path: `${path}/release`, idempotencyKey, timeoutMs: PERMIT_TIMEOUT_MS });
    },
  };
}

// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import { CardPlace, CardSessionInfo, ExchangeResult } from '../../wire/message/card-script.ts';
import type { SharedOtaServer } from '../../workflow/ports.ts';
import type { RestClient } from '../client.ts';
import { exchangeTimeoutMs } from './exchange-timeout.ts';

/** The `ota` daemon. */
export function otaClient(client: RestClient): SharedOtaServer {
  const session = (id: string) => `/v1/card-sessions/${encodeURIComponent(id)}`;
  return {
    openCardSession: (body) =>
      client.call({
        method: 'POST',
        path: '/v1/card-sessions',
        body,
        response: CardSessionInfo,
        timeoutMs: (body.waitMs ?? 0) + 15_000,
      }),
    exchange: ({ sessionId, fence }, commands) =>
      client.call({
        method: 'POST',
        path: `${session(sessionId)}/exchange`,
        body: { fence, commands },
        response: ExchangeResult,
        timeoutMs: exchangeTimeoutMs(commands),
      }),
    closeCardSession: async (id) => {
      await client.call({ method: 'DELETE', path: session(id) });
    },
    placesOf: ({ kind, value }) =>
      client.call({
        method: 'GET',
        path: `/v1/cards/${kind}/${encodeURIComponent(value)}/places`,
        response: Type.Array(CardPlace),
      }),
    giveBackCard: async (body) => {
      await client.call({ method: 'POST', path: '/v1/card-sessions/give-back', body });
    },
  };
}

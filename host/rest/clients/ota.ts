// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import { CardPlace, CardSessionInfo, ExchangeResult, LAST_SCRIPT_HEADER } from '../../wire/message/card-script.ts';
import type { SharedOtaServer } from '../../workflow/ports.ts';
import type { RestClient } from '../client.ts';
import { CardOpening } from './card-opening.ts';
import { exchangeTimeoutMs } from './exchange-timeout.ts';

/** The `ota` daemon. */
export function otaClient(client: RestClient): SharedOtaServer {
  const opening = new CardOpening((body) => {
    const { commands = [], waitMs = 0 } = body;
    return client.call({
      method: 'POST',
      path: '/v1/card-sessions',
      body,
      response: CardSessionInfo,
      timeoutMs: waitMs + 15_000 + (commands.length === 0 ? 0 : exchangeTimeoutMs(commands)),
    });
  });
  const session = (id: string) => `/v1/card-sessions/${encodeURIComponent(id)}`;
  return {
    openCardSession: (body) => opening.open(body),
    exchange: ({ sessionId, fence }, commands, last = false) =>
      client.call({
        method: 'POST',
        path: `${session(sessionId)}/exchange`,
        body: { fence, commands },
        response: ExchangeResult,
        timeoutMs: exchangeTimeoutMs(commands),
        ...(last ? { headers: { [LAST_SCRIPT_HEADER]: '1' } } : {}),
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

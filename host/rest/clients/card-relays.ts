// SPDX-License-Identifier: Apache-2.0
import { ExchangeResult } from '../../wire/message/card-script.ts';
import type { CardRelays } from '../../workflow/ports.ts';
import type { RestClient } from '../client.ts';
import { exchangeTimeoutMs } from './exchange-timeout.ts';

/** A `provider` daemon's relays to cards, for the issuer. */
export function cardRelaysClient(client: RestClient): CardRelays {
  return {
    exchange: (relayId, commands) =>
      client.call({
        method: 'POST',
        path: `/v1/card-relays/${encodeURIComponent(relayId)}/exchange`,
        body: { commands },
        response: ExchangeResult,
        timeoutMs: exchangeTimeoutMs(commands),
      }),
  };
}

// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { Relays } from '../../../service/provider/relays.ts';
import { ExchangeResult } from '../../../wire/message/card-script.ts';
import { IdempotencyKey } from '../../../wire/message/common.ts';
import { RelayExchange } from '../../../wire/message/key-distribution.ts';
import type { RestApp } from '../../app.ts';

const RelayParams = Type.Object({ relayId: IdempotencyKey }, { additionalProperties: false });

/** The issuer's way to a card while a flow waits for 52. */
export function cardRelayRoutes(app: RestApp, relays: Relays): void {
  app.post(
    '/v1/card-relays/:relayId/exchange',
    {
      config: { access: ['issuer'] },
      schema: { params: RelayParams, body: RelayExchange, response: { 200: ExchangeResult } },
    },
    async (request) => relays.exchange(request.params.relayId, request.peer.id, request.body.commands),
  );
}

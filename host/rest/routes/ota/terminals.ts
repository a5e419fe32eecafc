// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { CardPlaces } from '../../../service/ota/card-places.ts';
import type { CardSessions } from '../../../service/ota/card-sessions.ts';
import { CardPlace, TerminalInfo } from '../../../wire/message/card-script.ts';
import type { RestApp } from '../../app.ts';
import { CardParams } from '../operator/card-params.ts';

/** Which terminals are connected, and what is in their readers; of others' cards nothing but that they are there. */
export function terminalRoutes(app: RestApp, sessions: CardSessions): void {
  app.get(
    '/v1/terminals',
    { config: { access: ['provider'] }, schema: { response: { 200: Type.Array(TerminalInfo) } } },
    async (request) => sessions.terminals(request.peer.id),
  );
}

/** Where a card may be: for the issuer, whose card it is; a provider hears of places where it says so itself. */
export function cardPlaceRoutes(app: RestApp, places: CardPlaces): void {
  app.get(
    '/v1/cards/:kind/:value/places',
    {
      config: { access: ['issuer', 'provider'] },
      schema: { params: CardParams, response: { 200: Type.Array(CardPlace) } },
    },
    async ({ params, peer }) => {
      const all = await places.of(params);
      return peer.role === 'provider' ? all.filter(({ named }) => named) : all;
    },
  );
}

// SPDX-License-Identifier: Apache-2.0
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { CardSessions } from '../../../service/ota/card-sessions.ts';
import { issuerHolder } from '../../../service/ota/provider-quotas.ts';
import {
  CardSessionInfo,
  ExchangeRequest,
  ExchangeResult,
  GiveBackCard,
  LAST_SCRIPT_HEADER,
  OpenCardSession,
  RenewCardSession,
} from '../../../wire/message/card-script.ts';
import type { RestApp } from '../../app.ts';
import type { Peer } from '../../identity.ts';
import { NoContent } from '../no-content.ts';

const SessionParams = Type.Object(
  { sessionId: Type.String({ pattern: '^[0-9a-f]{32}$' }) },
  { additionalProperties: false },
);
/** Any other value is as good as none. */
const ScriptHeaders = Type.Object({ [LAST_SCRIPT_HEADER]: Type.Optional(Type.String()) });
const holders = { access: ['provider', 'issuer'] as const };

/** Under which name a peer holds cards: the issuer's is no provider's, whose ids have no colon. */
const holderOf = ({ role, id }: Peer): string => (role === 'issuer' ? issuerHolder(id) : id);

/** Card sessions for providers and for the issuer; another one's session looks like none. */
export function cardSessionRoutes(app: RestApp, sessions: CardSessions): void {
  app.post(
    '/v1/card-sessions',
    { config: holders, schema: { body: OpenCardSession, response: { 201: CardSessionInfo } } },
    async (request, reply) => {
      const session = await whileConnected(request, (caller) =>
        sessions.open(holderOf(request.peer), request.body, caller),
      );
      const { owner: flow, terminalId, readerName } = request.body;
      request.log.info({ flow, terminalId, readerName }, 'card session opened');
      return reply.code(201).send(session);
    },
  );

  app.post(
    '/v1/card-sessions/:sessionId/exchange',
    {
      config: holders,
      schema: {
        params: SessionParams,
        headers: ScriptHeaders,
        body: ExchangeRequest,
        response: { 200: ExchangeResult },
      },
    },
    async (request) => {
      const last = request.headers[LAST_SCRIPT_HEADER] === '1';
      const { sessionId } = request.params;
      const holder = holderOf(request.peer);
      return last
        ? sessions.exchangeLast(holder, sessionId, request.body)
        : sessions.exchange(holder, sessionId, request.body);
    },
  );

  app.post(
    '/v1/card-sessions/:sessionId/renew',
    { config: holders, schema: { params: SessionParams, body: RenewCardSession, response: { 200: CardSessionInfo } } },
    async (request) => sessions.renew(holderOf(request.peer), request.params.sessionId, request.body.fence),
  );

  app.post(
    '/v1/card-sessions/give-back',
    { config: holders, schema: { body: GiveBackCard, response: { 204: NoContent } } },
    async (request, reply) => {
      await sessions.giveBack(holderOf(request.peer), request.body);
      return reply.code(204).send(null);
    },
  );

  app.delete(
    '/v1/card-sessions/:sessionId',
    { config: holders, schema: { params: SessionParams, response: { 204: NoContent } } },
    async (request, reply) => {
      await sessions.close(holderOf(request.peer), request.params.sessionId);
      return reply.code(204).send(null);
    },
  );
}

/**
 * Runs work that may wait long, with a signal for the caller's leaving: the end of a request says nothing of its
 * socket.
 */
async function whileConnected<T>(request: FastifyRequest, work: (caller: AbortSignal) => Promise<T>): Promise<T> {
  const leaving = new AbortController();
  const leave = () => leaving.abort();
  const { socket } = request.raw;
  for (const event of ['end', 'close']) socket.once(event, leave);
  try {
    return await work(leaving.signal);
  } finally {
    for (const event of ['end', 'close']) socket.off(event, leave);
  }
}

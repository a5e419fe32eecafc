// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { type Static, type TSchema, Type } from 'typebox';
import { NoSeramSession, type SeramSessions } from '../../../service/front/seram-sessions.ts';
import { Handshake, HandshakeAnswer, Order, Report, SERAM_LIMITS } from '../../../wire/message/seram.ts';
import type { RestApp } from '../../app.ts';
import { RequestError } from '../../problem.ts';

/**
 * The remote agent of GlobalPlatform SERAM 2.0.0. Whoever knows the session's id is its phone; the cookie of the
 * handshake keeps it to one, and the cookie `seq` tells which order a report belongs to.
 */

const PATH = '/gp/seram';
const Query = Type.Object(
  { sessionId: Type.Optional(Type.String({ maxLength: 200 })) },
  { additionalProperties: false },
);
const config = { access: ['public'] as const };
/** A union of one: unknown fields are ignored here, and nowhere else. */
const lenient = <S extends TSchema>(schema: S) => Type.Union([schema]);
const BINDING = 'seram';
const SEQUENCE = 'seq';
/** What proxies add to a request (RFC 7239, RFC 9110 7.6.3, and what was there before). */
const OF_PROXIES = /^(forwarded|via|x-forwarded-.*|x-real-ip)$/;

/** @param cookiePath what the path of a URL of these routes is for the agent; default as it is here */
export function seramRoutes(app: RestApp, sessions: SeramSessions, cookiePath: string = PATH): void {
  const links = new WeakMap<object, string>();
  /** A name of the agent's connection, which no other has on any node; none where a proxy says that it is its own. */
  const linkOf = ({ headers, raw: { socket } }: FastifyRequest): { readonly link?: string } => {
    if (Object.keys(headers).some((name) => OF_PROXIES.test(name))) return {};
    const link = links.get(socket) ?? randomUUID();
    links.set(socket, link);
    return { link };
  };
  const cookie = (name: string, value: string): string =>
    `${name}=${value}; Path=${cookiePath}; Secure; HttpOnly; SameSite=Strict`;
  const bodyLimit = SERAM_LIMITS.bodyBytes;

  app.post(
    `${PATH}/handshake`,
    { config, bodyLimit, schema: { querystring: Query, body: lenient(Handshake), response: { 200: HandshakeAnswer } } },
    async (request, reply) => {
      const made = await sessions.handshake(sessionIdOf(request.query), request.body);
      if ('refused' in made) throw new RequestError('not-acceptable', made.refused, [], 406);
      reply.header('set-cookie', cookie(BINDING, made.binding));
      return made.answer;
    },
  );

  app.post(
    `${PATH}/remoteManagement`,
    { config, bodyLimit, schema: { querystring: Query, body: lenient(Report), response: { 200: Order } } },
    async (request, reply) => {
      const sessionId = sessionIdOf(request.query);
      const known = { ...cookiesOf(request), ...linkOf(request) };
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort());
      if (reply.raw.destroyed) gone.abort();
      const answer = await sessions.report(sessionId, request.body, known, gone.signal);
      if ('refused' in answer) throw new RequestError('invalid-request', answer.refused);
      const { seq } = answer;
      if (seq === undefined) return answer.order;
      const broken = () => sessions.broken(sessionId, seq).catch((error: unknown) => request.log.warn({ err: error }));
      if (reply.raw.destroyed) await broken();
      else reply.raw.once('close', () => reply.raw.writableFinished || void broken());
      reply.header('set-cookie', cookie(SEQUENCE, String(seq)));
      return answer.order;
    },
  );
}

/** An id that is missing or too short to be one of ours is one that is not known. */
function sessionIdOf({ sessionId = '' }: Static<typeof Query>): string {
  if (sessionId.length < 16) throw new NoSeramSession();
  return sessionId;
}

/** The two cookies that are ours (RFC 6265); a number that is none counts as a report that belongs to no order. */
function cookiesOf({ headers }: FastifyRequest): { readonly seq?: number; readonly binding?: string } {
  const found = new Map(
    (headers.cookie ?? '').split(';').map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()] as const;
    }),
  );
  const [seq, binding] = [found.get(SEQUENCE), found.get(BINDING)];
  if (seq !== undefined && !/^[0-9]{1,9}$/.test(seq))
    throw new RequestError('invalid-request', 'the cookie seq is no number');
  return {
    ...(seq === undefined ? {} : { seq: Number(seq) }),
    ...(binding === undefined ? {} : { binding }),
  };
}

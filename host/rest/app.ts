// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { Access, Peer } from './identity.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls, from the client certificate. */
    peer: Peer;
  }
  interface FastifyContextConfig {
    /** Who may call. A route without it does not start. */
    access?: readonly Access[];
  }
}

/** A Fastify instance whose handlers get the types of their schemas. */
export type RestApp = FastifyInstance<Server, IncomingMessage, ServerResponse, FastifyBaseLogger, TypeBoxTypeProvider>;

// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';

/** The server of the TSM-Backend, as its routes see it. */
export type TsmsApp = FastifyInstance<Server, IncomingMessage, ServerResponse, FastifyBaseLogger>;

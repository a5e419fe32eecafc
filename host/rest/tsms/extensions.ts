// SPDX-License-Identifier: Apache-2.0
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { AttributeBook } from '../../service/provider/services/kept-attributes.ts';
import type { ServiceScripts } from '../../service/provider/services/service-scripts.ts';
import type { SposOptions } from '../../service/provider/services/spos-options.ts';
import type { TsmsBackend } from '../../service/provider/tsms/backend.ts';
import { ActionName, Uuid } from '../../wire/message/service-instance.ts';
import { ServiceScript } from '../../wire/script/service-script.ts';
import { TsmsError } from '../../wire/tsms/tsms-error.ts';
import type { RestApp } from '../app.ts';
import { EXT_DOCUMENT, extDocument } from '../ext-document.ts';
import { requireNoNul } from '../no-nul.ts';
import { describeRoutes } from '../openapi.ts';
import { PROBLEM_MEDIA_TYPE, problemOf, RequestError } from '../problem.ts';
import type { TsmsApp } from './app.ts';
import { bearerOf, challengeOf } from './bearer.ts';
import { checked, providerOf } from './own-request.ts';
import { productRoutes } from './products.ts';

/** Routes of ours beside the TSM-Backend, with its tokens: scripts of services, their action codes, and products. */

const closed = { additionalProperties: false } as const;
const Name = Type.String({ pattern: '^[a-z][a-z0-9-]{0,63}$' });
const Version = Type.String({ pattern: '^[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}$' });
const ScriptParams = Type.Object({ serviceId: Uuid, name: Name, version: Version }, closed);
const ActionParams = Type.Object({ serviceId: Uuid, actionCode: ActionName }, closed);
const ActionBody = Type.Object({ script: Name, version: Version }, closed);
const OptionParams = Type.Object({ sposConfigId: Uuid }, closed);
/** 50 an action was run, 60 and 61 the issuer has blocked the instance and freed it, 62 another card replaces its. */
const SposOptionsBody = Type.Object(
  {
    operations: Type.Array(Type.Union([Type.Literal(50), Type.Literal(60), Type.Literal(61), Type.Literal(62)]), {
      maxItems: 4,
    }),
  },
  closed,
);
const BASE = '/ext/1/services/:serviceId';

const TOKEN_ERRORS = {
  401: 'A short-term token of /auth is missing or not good any more',
  412: 'The product was changed since the GET',
  428: 'A change of a product wants if-match',
};
const KeptScript = Type.Object({ script: ServiceScript, published: Type.Boolean() }, closed);
const DONE = { 204: Type.Null() };

export interface Extensions {
  readonly scripts: ServiceScripts;
  readonly attributes: AttributeBook;
  readonly sposOptions: SposOptions;
}

export function extensionRoutes(app: TsmsApp, backend: TsmsBackend, extensions: Extensions): void {
  const { scripts, attributes, sposOptions } = extensions;
  void app.register(async (own) => {
    await describeExtensions(own);
    own.setErrorHandler(async (error, request, reply) => {
      const problem = problemOf(error, request.url.split('?')[0]);
      if (problem.status === 401) reply.header('www-authenticate', challengeOf(request));
      if (problem.status >= 500) request.log.error({ err: error }, 'request failed');
      await reply.code(problem.status).type(PROBLEM_MEDIA_TYPE).send(JSON.stringify(problem));
    });
    own.addHook('onRequest', async (request) => {
      if (request.routeOptions.url === EXT_DOCUMENT) return;
      const token = bearerOf(request);
      const refused = new RequestError('token-refused', 'this route needs a short-term token of /auth', [], 401);
      if (token === undefined) throw refused;
      request.serviceProvider = await backend.authenticate(token).catch((error: unknown) => {
        throw error instanceof TsmsError ? refused : error;
      });
    });
    own.addHook('preHandler', async ({ body }) => requireStorable(body));
    own.get(EXT_DOCUMENT, async () => extDocument(own.swagger(), 'bearer'));
    productRoutes(own, attributes);
    sposOptionRoutes(own, sposOptions);
    const script = `${BASE}/scripts/:name/:version`;
    own.put(
      script,
      { schema: { params: ScriptParams, body: ServiceScript, response: DONE } },
      async (request, reply) => {
        await scripts.put(providerOf(request).spId, paramsOf(request), JSON.stringify(request.body ?? null));
        return reply.code(204).send();
      },
    );
    own.get(script, { schema: { params: ScriptParams, response: { 200: KeptScript } } }, async (request) =>
      scripts.get(providerOf(request).spId, paramsOf(request)),
    );
    own.post(`${script}/publish`, { schema: { params: ScriptParams, response: DONE } }, async (request, reply) => {
      await scripts.publish(providerOf(request).spId, paramsOf(request));
      return reply.code(204).send();
    });
    const action = { params: ActionParams, body: ActionBody, response: DONE };
    own.put(`${BASE}/actions/:actionCode`, { schema: action }, async (request, reply) => {
      const params = checked(ActionParams, request.params);
      const { script: name, version } = checked(ActionBody, request.body);
      const key = { serviceId: params.serviceId, name, version };
      await scripts.putAction(providerOf(request).spId, params.actionCode, key);
      return reply.code(204).send();
    });
  });
}

/** What a server wants to hear that the guideline has no number for. */
function sposOptionRoutes(own: FastifyInstance, options: SposOptions): void {
  const path = '/ext/1/spos-options/:sposConfigId';
  own.get(path, { schema: { params: OptionParams, response: { 200: SposOptionsBody } } }, async (request) => {
    const { sposConfigId } = checked(OptionParams, request.params);
    return { operations: await options.get(providerOf(request).spId, sposConfigId) };
  });
  own.put(path, { schema: { params: OptionParams, body: SposOptionsBody, response: DONE } }, async (request, reply) => {
    const { sposConfigId } = checked(OptionParams, request.params);
    const { operations } = checked(SposOptionsBody, request.body);
    await options.put(providerOf(request).spId, sposConfigId, operations);
    return reply.code(204).send();
  });
}

/** Schemas are for the document: the routes themselves check what a request holds, in the form of their errors. */
async function describeExtensions(own: FastifyInstance): Promise<void> {
  await describeRoutes(own as unknown as RestApp, { title: 'opentsm extensions', version: '1' }, TOKEN_ERRORS);
  own.setValidatorCompiler(() => () => true);
  own.setSerializerCompiler(() => (value) => JSON.stringify(value));
}

/** Any text that a database column holds: no NUL, no half of a surrogate pair. */
function requireStorable(body: unknown): void {
  requireNoNul(body);
  // JSON writes half a surrogate pair as an escape.
  if (/\\ud[89a-f]/.test(JSON.stringify(body ?? null)))
    throw new RequestError('invalid-request', 'a text is no Unicode: half a surrogate pair is in it');
}

const paramsOf = (request: FastifyRequest) => checked(ScriptParams, request.params);

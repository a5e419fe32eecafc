// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { TsmApi } from '../../../service/front/tsm-api.ts';
import {
  AnyUuid,
  AppId,
  AppProcess,
  CheckDeployment,
  CheckResult,
  CreateServiceInstance,
  Deploy,
  Execute,
  Instance,
  Instances,
  type Operation,
  Suspend,
  Terminate,
  Update,
  VersionPattern,
} from '../../../wire/message/service-instance.ts';
import type { RestApp } from '../../app.ts';
import { IdempotencyHeaders, requestIdOfHeaders, WaitQuery, waitMsOf } from '../../idempotency-key.ts';
import { numberProblems } from './tsm-problem.ts';

const closed = { additionalProperties: false } as const;
const BASE = '/tsm-api/1/service-instances';
const common = { config: { access: ['user'] as const }, preSerialization: numberProblems };
const Params = Type.Object({ instanceId: AnyUuid }, closed);
const headers = IdempotencyHeaders;
const response = { 202: AppProcess };
const ofService = <T extends { readonly serviceId: string }>(asked: T): T => ({
  ...asked,
  serviceId: asked.serviceId.toLowerCase(),
});

/** Instances of services on the user's chips. @see BSI TR-03165 1.0.4, 4.2 */
export function tsmApiRoutes(app: RestApp, api: TsmApi): void {
  const userOf = ({ peer }: { readonly peer: { readonly id: string } }) => ({ subject: peer.id });

  app.post(BASE, { ...common, schema: { body: CreateServiceInstance, response: { 200: Instance } } }, async (request) =>
    api.create(userOf(request), ofService(request.body)),
  );

  app.get(
    BASE,
    {
      ...common,
      schema: {
        querystring: Type.Object({ serviceId: AnyUuid, appId: Type.Optional(AppId) }, closed),
        response: { 200: Instances },
      },
    },
    async (request) => api.find(userOf(request), ofService(request.query)),
  );

  app.post(
    '/tsm-api/1/deployment-checks',
    { ...common, schema: { body: CheckDeployment, response: { 200: CheckResult } } },
    async (request) => api.checkDeployment(userOf(request), ofService(request.body)),
  );

  app.get(
    `${BASE}/:instanceId`,
    { ...common, schema: { params: Params, response: { 200: Instance } } },
    async (request) => api.instance(userOf(request), request.params.instanceId.toLowerCase()),
  );

  app.get(
    `${BASE}/:instanceId/update-check`,
    {
      ...common,
      schema: {
        params: Params,
        querystring: Type.Object({ version: VersionPattern }, closed),
        response: { 200: CheckResult },
      },
    },
    async (request) => api.checkUpdate(userOf(request), request.params.instanceId.toLowerCase(), request.query.version),
  );

  app.get(
    '/tsm-api/1/processes/:processId',
    {
      ...common,
      schema: {
        params: Type.Object({ processId: AppProcess.properties.processId }, closed),
        querystring: Type.Object(WaitQuery, closed),
        response: { 200: AppProcess },
      },
    },
    async (request) => api.state(userOf(request), request.params.processId, waitMsOf(request.query)),
  );
}

/** What is done with an instance: each a process. */
export function tsmProcessRoutes(app: RestApp, api: TsmApi): void {
  const start = (
    request: Parameters<typeof requestIdOfHeaders>[0] & { readonly params: { readonly instanceId: string } },
    operation: Operation,
  ) =>
    api.start(
      { subject: request.peer.id },
      requestIdOfHeaders(request),
      request.params.instanceId.toLowerCase(),
      operation,
    );

  app.post(
    `${BASE}/:instanceId/deployments`,
    { ...common, schema: { params: Params, headers, body: Deploy, response } },
    async (request, reply) => reply.code(202).send(await start(request, { operation: 'deploy', ...request.body })),
  );

  app.post(
    `${BASE}/:instanceId/updates`,
    { ...common, schema: { params: Params, headers, body: Update, response } },
    async (request, reply) => reply.code(202).send(await start(request, { operation: 'update', ...request.body })),
  );

  app.post(
    `${BASE}/:instanceId/suspension`,
    { ...common, schema: { params: Params, headers, body: Suspend, response } },
    async (request, reply) => reply.code(202).send(await start(request, { operation: 'suspension', ...request.body })),
  );

  app.post(
    `${BASE}/:instanceId/termination`,
    { ...common, schema: { params: Params, headers, body: Terminate, response } },
    async (request, reply) => reply.code(202).send(await start(request, { operation: 'termination' })),
  );
}

/** Ours: an action of an operational service. */
export function tsmExecutionRoutes(app: RestApp, api: TsmApi): void {
  app.post(
    '/ext/1/service-instances/:instanceId/executions',
    { ...common, schema: { params: Params, headers, body: Execute, response } },
    async (request, reply) => {
      const operation: Operation = { operation: 'execution', ...request.body };
      const { peer, params } = request;
      const state = await api.start(
        { subject: peer.id },
        requestIdOfHeaders(request),
        params.instanceId.toLowerCase(),
        operation,
      );
      return reply.code(202).send(state);
    },
  );
}

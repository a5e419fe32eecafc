// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { ServiceInstances } from '../../../service/provider/services/service-instances.ts';
import type { ServiceProcesses } from '../../../service/provider/services/service-processes.ts';
import { IdempotencyKey } from '../../../wire/message/common.ts';
import {
  CheckOnCards,
  CheckResult,
  CreateOnCards,
  FindOnCards,
  Instance,
  Instances,
  Process,
  StartProcess,
  VersionPattern,
} from '../../../wire/message/service-instance.ts';
import { UuidParam } from '../../../wire/message/service-providers.ts';
import type { RestApp } from '../../app.ts';
import { IdempotencyHeaders, requestIdOfHeaders, StepQuery, waitMsOf } from '../../idempotency-key.ts';
import { peerUri } from '../../identity.ts';

const closed = { additionalProperties: false } as const;
const InstanceParams = Type.Object({ instanceId: UuidParam }, closed);
const ProcessParams = Type.Object({ processId: IdempotencyKey }, closed);
const UpdateQuery = Type.Object({ version: VersionPattern }, closed);
/** The front carries what apps ask, with cards that it knows to be their users'; operators may do it themselves. */
const config = { access: ['operator', 'front'] as const };

/** Instances of services on cards: the TSM-API behind the front. @see BSI TR-03165 1.0.4, 4.2 */
export function serviceInstanceRoutes(app: RestApp, instances: ServiceInstances): void {
  app.post(
    '/v1/service-instances',
    { config, schema: { body: CreateOnCards, response: { 200: Instance } } },
    async ({ body }) => instances.create(body),
  );

  app.post(
    '/v1/service-instances/find',
    { config, schema: { body: FindOnCards, response: { 200: Instances } } },
    // The front knows whose these cards are; an operator who looks says nothing.
    async ({ body, peer }) => instances.find(body, peer.role === 'front' ? peerUri(peer) : undefined),
  );

  app.post(
    '/v1/deployment-checks',
    { config, schema: { body: CheckOnCards, response: { 200: CheckResult } } },
    async ({ body }) => instances.checkDeployment(body),
  );

  app.get(
    '/v1/service-instances/:instanceId',
    { config, schema: { params: InstanceParams, response: { 200: Instance } } },
    async ({ params }) => instances.get(params.instanceId),
  );

  app.get(
    '/v1/service-instances/:instanceId/update-check',
    { config, schema: { params: InstanceParams, querystring: UpdateQuery, response: { 200: CheckResult } } },
    async ({ params, query }) => instances.checkUpdate(params.instanceId, query.version),
  );
}

/** What is done with them. */
export function serviceProcessRoutes(app: RestApp, processes: ServiceProcesses): void {
  app.post(
    '/v1/service-instances/:instanceId/processes',
    {
      config,
      schema: { params: InstanceParams, headers: IdempotencyHeaders, body: StartProcess, response: { 202: Process } },
    },
    async (request, reply) => {
      const id = requestIdOfHeaders(request);
      const { params, body, peer } = request;
      return reply.code(202).send(await processes.start(id, peerUri(peer), params.instanceId, body));
    },
  );

  app.get(
    '/v1/processes/:processId',
    {
      config,
      schema: { params: ProcessParams, querystring: Type.Object(StepQuery, closed), response: { 200: Process } },
    },
    async ({ params, query }) =>
      processes.state(params.processId, { waitMs: waitMsOf(query), afterStep: Number(query.afterStep ?? 0) }),
  );
}

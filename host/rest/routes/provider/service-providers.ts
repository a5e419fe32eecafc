// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { ChipRanges } from '../../../service/provider/services/chip-ranges.ts';
import type { TsmsBackend } from '../../../service/provider/tsms/backend.ts';
import {
  CardRanges,
  CreateServiceProvider,
  ProfileParams,
  SecureComponentProfile,
  ServiceProviderAccount,
  ServiceProviderParams,
  ServiceProviderToken,
} from '../../../wire/message/service-providers.ts';
import type { RestApp } from '../../app.ts';
import { peerUri } from '../../identity.ts';
import { NoContent } from '../no-content.ts';

const config = { access: ['operator'] as const };

/** Who may use the TSM-Backend, and the chips that it supports. */
export function serviceProviderRoutes(app: RestApp, backend: TsmsBackend, chips: ChipRanges): void {
  app.get(
    '/v1/service-providers',
    { config, schema: { response: { 200: Type.Array(ServiceProviderAccount) } } },
    async () => backend.providers(),
  );

  app.post(
    '/v1/service-providers',
    { config, schema: { body: CreateServiceProvider, response: { 201: ServiceProviderToken } } },
    async ({ body, peer }, reply) => reply.code(201).send(await backend.createProvider(body.name, peerUri(peer))),
  );

  app.post(
    '/v1/service-providers/:spId/token',
    { config, schema: { params: ServiceProviderParams, response: { 200: ServiceProviderToken } } },
    async ({ params, peer }) => backend.replaceToken(params.spId, peerUri(peer)),
  );

  app.delete(
    '/v1/service-providers/:spId',
    { config, schema: { params: ServiceProviderParams, response: { 204: NoContent } } },
    async ({ params, peer }, reply) => {
      await backend.closeProvider(params.spId, peerUri(peer));
      return reply.code(204).send(null);
    },
  );

  app.put(
    '/v1/secure-component-profiles/:scpId',
    { config, schema: { params: ProfileParams, body: SecureComponentProfile, response: { 204: NoContent } } },
    async ({ params, body, peer }, reply) => {
      await backend.putProfile(params.scpId, body, peerUri(peer));
      return reply.code(204).send(null);
    },
  );

  app.put(
    '/v1/secure-component-profiles/:scpId/cards',
    { config, schema: { params: ProfileParams, body: CardRanges, response: { 204: NoContent } } },
    async ({ params, body, peer }, reply) => {
      await chips.put(params.scpId, body, peerUri(peer));
      return reply.code(204).send(null);
    },
  );
}

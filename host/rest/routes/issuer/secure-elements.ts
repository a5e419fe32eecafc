// SPDX-License-Identifier: Apache-2.0
import type { SecureElements } from '../../../service/issuer/secure-elements.ts';
import {
  AttributeParams,
  ElementParams,
  MoveSecureElement,
  ProductAttributes,
  SecureElement,
  SeenRegistry,
} from '../../../wire/message/secure-elements.ts';
import type { RestApp } from '../../app.ts';
import { peerUri } from '../../identity.ts';
import { NoContent } from '../no-content.ts';

const config = { access: ['operator'] as const };

/** Secure elements by any of their names. */
export function secureElementRoutes(app: RestApp, elements: SecureElements): void {
  app.get(
    '/v1/secure-elements/:name',
    { config, schema: { params: ElementParams, response: { 200: SecureElement } } },
    async ({ params }) => elements.find(params.name),
  );

  app.get(
    '/v1/secure-elements/:name/registry',
    { config, schema: { params: ElementParams, response: { 200: SeenRegistry } } },
    async ({ params }) => elements.registry(params.name),
  );

  app.post(
    '/v1/secure-elements/:name/state',
    { config, schema: { params: ElementParams, body: MoveSecureElement, response: { 200: SecureElement } } },
    async ({ params, body, peer }) => elements.move(params.name, body, peerUri(peer)),
  );

  app.get(
    '/v1/secure-elements/:name/products/:productId/attributes',
    { config, schema: { params: AttributeParams, response: { 200: ProductAttributes } } },
    async ({ params: { productId, name } }) => elements.attributes(name, productId),
  );

  app.put(
    '/v1/secure-elements/:name/products/:productId/attributes',
    { config, schema: { params: AttributeParams, body: ProductAttributes, response: { 204: NoContent } } },
    async ({ params: { productId, name }, body, peer }, reply) => {
      await elements.putAttributes(name, productId, body, peerUri(peer));
      return reply.code(204).send(null);
    },
  );
}

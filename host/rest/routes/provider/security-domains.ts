import { Type } from 'typebox';
import type { SecurityDomains } from '../../../service/provider/security-domains.ts';
import { SecurityDomainRow } from '../../../wire/message/key-distribution.ts';
import type { RestApp } from '../../app.ts';
import { NoContent } from '../no-content.ts';
import { CardParams, cardIdOfParams } from '../operator/card-params.ts';

const config = { access: ['operator'] as const };

/** The provider's SSDs. */
export function securityDomainRoutes(app: RestApp, securityDomains: SecurityDomains): void {
  app.get('/v1/security-domains', { config, schema: { response: { 200: Type.Array(SecurityDomainRow) } } }, async () =>
    securityDomains.list(),
  );

  app.delete(
    '/v1/security-domains/:kind/:value',
    { config, schema: { params: CardParams, response: { 204: NoContent } } },
    async (request, reply) => {
      await securityDomains.forget(cardIdOfParams(request.params), request.peer.id);
      return reply.code(204).send(null);
    },
  );
}

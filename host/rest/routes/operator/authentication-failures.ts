import type { AuthenticationFailures } from '../../../store/authentication-failures.ts';
import { cardIdText } from '../../../store/card-id.ts';
import type { RestApp } from '../../app.ts';
import { NoContent } from '../no-content.ts';
import { CardParams, cardIdOfParams } from './card-params.ts';

/** Lets the platform try a card again that refused its authentications. */
export function authenticationFailureRoutes(app: RestApp, failures: AuthenticationFailures, keySet: string): void {
  app.delete(
    '/v1/authentication-failures/:kind/:value',
    { config: { access: ['operator'] }, schema: { params: CardParams, response: { 204: NoContent } } },
    async (request, reply) => {
      await failures.succeeded(cardIdText(cardIdOfParams(request.params)), keySet);
      return reply.code(204).send(null);
    },
  );
}

// SPDX-License-Identifier: Apache-2.0
import { NotFoundError, UnacceptableError } from '../../../errors.ts';
import { quietHoursOf } from '../../../service/ota/sending-policy.ts';
import { cardIdOfText, cardIdText } from '../../../store/card-id.ts';
import type { SubscriptionRow, SubscriptionTable } from '../../../store/ota/subscription-table.ts';
import { PutSubscription, Subscription, SubscriptionHistory } from '../../../wire/message/subscription.ts';
import type { RestApp } from '../../app.ts';
import { NoContent } from '../no-content.ts';
import { CardParams } from '../operator/card-params.ts';

const PATH = '/v1/subscriptions/:kind/:value';
const config = { access: ['operator'] as const };

/**
 * Which number, and which device, a card has: for the operators of this server.
 *
 * @param groups that a card may be in
 */
export function subscriptionRoutes(
  app: RestApp,
  subscriptions: SubscriptionTable,
  groups: ReadonlySet<string> = new Set(),
): void {
  app.put(
    PATH,
    { config, schema: { params: CardParams, body: PutSubscription, response: { 200: Subscription } } },
    async ({ params, body }) => {
      const { group, sending } = body;
      if (group !== undefined && !groups.has(group))
        throw new UnacceptableError(
          'unknown-card-group',
          `${group} is none of the groups in sms of this server's config`,
        );
      if (sending?.quietHours !== undefined) quietHoursOf(sending.quietHours);
      return told(await subscriptions.put(cardIdText(params), body, new Date()));
    },
  );

  app.get(
    PATH,
    { config, schema: { params: CardParams, response: { 200: SubscriptionHistory } } },
    async ({ params }) => (await subscriptions.history(cardIdText(params))).map(told),
  );

  app.delete(PATH, { config, schema: { params: CardParams, response: { 204: NoContent } } }, async (request, reply) => {
    const card = cardIdText(request.params);
    if (!(await subscriptions.end(card, new Date())))
      throw new NotFoundError('no-subscription', `${card} has no number`);
    return reply.code(204).send(null);
  });
}

const told = ({ card, msisdn, since, until, ...row }: SubscriptionRow): Subscription => ({
  cardId: cardIdOfText(card),
  msisdn,
  since: since.toISOString(),
  ...(row.device === null ? {} : { device: row.device }),
  ...(row.terminalId === null ? {} : { terminalId: row.terminalId }),
  ...(row.agent === null ? {} : { agent: row.agent }),
  ...(row.pskIdentity === null ? {} : { pskIdentity: row.pskIdentity }),
  ...(row.group === null ? {} : { group: row.group }),
  ...(row.sending === null ? {} : { sending: row.sending }),
  ...(until === null ? {} : { until: until.toISOString() }),
});

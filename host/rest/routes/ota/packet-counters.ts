// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import { ConflictError, NotFoundError, UnacceptableError } from '../../../errors.ts';
import { cardIdText } from '../../../store/card-id.ts';
import type { PacketTable } from '../../../store/ota/packet-table.ts';
import { PacketCounter, PutPacketCounter } from '../../../wire/message/packet-counter.ts';
import type { RestApp } from '../../app.ts';
import { CardParams } from '../operator/card-params.ts';

const PATH = '/v1/packet-counters/:kind/:value';
/** What is used up of 2^40 is so for good, and no mistake in typing may take a card there. */
const MOST_AT_ONCE = 1_000_000;
const config = { access: ['operator'] as const };
const SetParams = Type.Object(
  { ...CardParams.properties, keySet: Type.String({ pattern: '^([1-9]|1[0-5])$' }) },
  { additionalProperties: false },
);

/** Counters of secured packets, which an older database may have too low: for the operators of this server. */
export function packetCounterRoutes(app: RestApp, packets: PacketTable): void {
  app.get(
    PATH,
    { config, schema: { params: CardParams, response: { 200: Type.Array(PacketCounter, { maxItems: 16 }) } } },
    async ({ params }) => [...(await packets.counters(cardIdText(params)))],
  );

  app.put(
    `${PATH}/:keySet`,
    { config, schema: { params: SetParams, body: PutPacketCounter, response: { 200: PacketCounter } } },
    async ({ params: { keySet: text, ...cardId }, body: { counter } }) => {
      const keySet = Number(text);
      const done = await packets.skipTo(cardIdText(cardId), keySet, { counter, step: MOST_AT_ONCE });
      if (done === undefined)
        throw new NotFoundError('no-such-card', 'This card has neither a number nor a counter here: look at its id');
      const { raised, last } = done;
      if (raised) return { keySet, counter };
      // One that was raised meanwhile may be higher than this, too.
      if (counter - last > MOST_AT_ONCE)
        throw new UnacceptableError('counter-step', `A counter rises by ${MOST_AT_ONCE} at once, at most`, { last });
      throw new ConflictError('counter-is-higher', 'Counters only rise: a card takes none twice', { keySet, counter });
    },
  );
}

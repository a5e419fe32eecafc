// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { MAX_COUNTER } from '../uicc/secured-packet.ts';

const closed = { additionalProperties: false } as const;
const Counter = Type.Integer({ minimum: 0, maximum: MAX_COUNTER });

/** PUT /v1/packet-counters/{kind}/{value}/{keySet} on `ota`, by its operators: the last one that was used. */
export const PutPacketCounter = Type.Object({ counter: Counter }, closed);

/** The counter of the last packet that was made for a key set of SCP80. */
export const PacketCounter = Type.Object(
  { keySet: Type.Integer({ minimum: 0, maximum: 15 }), counter: Counter },
  closed,
);
export type PacketCounter = Static<typeof PacketCounter>;

// SPDX-License-Identifier: Apache-2.0
import { SeramReader, SeramScriptResult } from '../../wire/message/front.ts';
import type { RestClient } from '../client.ts';

/** The `front` daemon, for the OTA server: cards that phones bring. */
export interface SeramReadersClient {
  /** @throws PeerError `no-such-reader` */
  reader(card: string, waitMs: number): Promise<SeramReader>;
  /** The same id again is the same script. */
  run(card: string, script: object): Promise<SeramScriptResult>;
}

const ANSWER_MS = 15_000;
/** The node that is asked holds the answer for so long. */
const HOLD_MS = 25_000;
/** A node that dies is one try; those that are left are asked. */
const RETRIES = 6;

export function seramReadersClient(client: RestClient): SeramReadersClient {
  const path = (card: string) => `/v1/seram-readers/${encodeURIComponent(card)}`;
  return {
    reader: (card, waitMs) =>
      client.call({
        method: 'GET',
        path: path(card),
        query: { waitMs },
        response: SeramReader,
        timeoutMs: waitMs + ANSWER_MS,
        retries: 2,
      }),
    run: (card, body) =>
      client.call({
        method: 'POST',
        path: `${path(card)}/scripts`,
        body,
        response: SeramScriptResult,
        timeoutMs: HOLD_MS + ANSWER_MS,
        retries: RETRIES,
      }),
  };
}

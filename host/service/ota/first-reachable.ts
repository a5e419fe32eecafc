// SPDX-License-Identifier: Apache-2.0
import { TransportError } from '../../errors.ts';
import type { CardBearer } from './card-bearer.ts';

export interface NamedBearer {
  readonly name: string;
  readonly bearer: CardBearer;
}

/**
 * The bearers in order of preference: a script goes by the first that reaches the card. The next one is tried only when
 * surely nothing came to the card.
 *
 * @param onFallback is told what could not be used, and why
 */
export const firstReachable = (
  bearers: readonly NamedBearer[],
  onFallback: (from: string, to: string, error: TransportError) => void,
): CardBearer => ({
  exchange: async (card, script, timeoutMs) => {
    for (const [index, { name, bearer }] of bearers.entries()) {
      try {
        return await bearer.exchange(card, script, timeoutMs);
      } catch (error) {
        const next = bearers[index + 1];
        if (!(error instanceof TransportError) || error.code !== 'bearer-unreachable' || next === undefined)
          throw error;
        onFallback(name, next.name, error);
      }
    }
    throw new TransportError('bearer-unreachable', 'no bearer is configured: name one in bearers of ota');
  },
  release: (card, fence) => {
    for (const { bearer } of bearers) bearer.release(card, fence);
  },
});

// SPDX-License-Identifier: Apache-2.0
import type { SimulatedCard } from '../../simulator/src/index.ts';
import { TransportError } from '../errors.ts';
import type { CardChannel } from '../transport/card-channel.ts';

/** A simulated card by its control link: in a phone, whatever reader it is in besides. */
export function cardInPhone(card: SimulatedCard): () => Promise<CardChannel> {
  return async () => ({
    atr: card.atr,
    transmit: async (command) => {
      try {
        return await card.transmit(command);
      } catch (error) {
        throw new TransportError('card-removed', String(error), {}, error);
      }
    },
    reset: async () => {
      await card.reset();
      return card.atr;
    },
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  });
}

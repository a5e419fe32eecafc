// SPDX-License-Identifier: Apache-2.0
import type { CardImage } from './card-image.ts';
import type { SimulatedCard } from './simulated-card.ts';
import { type Simulator, startSimulator } from './simulator.ts';

let shared: Promise<Simulator> | undefined;

/** The simulator all `withCard` tests of a process share; it does not keep the process running. */
export function sharedSimulator(): Promise<Simulator> {
  shared ??= startSimulator({ background: true });
  return shared;
}

/**
 * A mocha test with a card of its own, removed afterwards: `it('answers', withCard('plain', async (card) => { … }))`.
 * @param image an image, the path of one, or the bare name of one in `cards/`
 */
export function withCard(image: CardImage | string, test: (card: SimulatedCard) => Promise<void>): () => Promise<void> {
  return async () => {
    const simulator = await sharedSimulator();
    await using card = await simulator.insert(image);
    await test(card);
  };
}

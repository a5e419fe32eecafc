// SPDX-License-Identifier: Apache-2.0
import { withIssuerCard } from './support/card.ts';
import { generate, openProvider, prepare, provider, SSD } from './support/domains.ts';
import { openIssuer } from './support/scp10-host.ts';

/** Some simulators and faulty generators make a pair in a hundred whose halves do not fit. */
const PAIRS = 100;

describe('Every generated pair', () => {
  it(
    'opens the next session, however often the key objects are used again',
    withIssuerCard({}, async (card) => {
      const who = provider('provider a');
      let modulus = await prepare(await openIssuer(card), SSD, who);
      for (let i = 0; i < PAIRS; i++) {
        modulus = await generate(await openProvider(card, SSD, who, modulus), '11');
      }
      await openProvider(card, SSD, who, modulus);
    }),
  ).timeout(240_000);
});

// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { expect } from 'chai';
import type { CardImage } from '../../simulator/src/index.ts';
import { withIssuerCard } from './support/card.ts';
import { generate, generateData, install, personalizationData, provider, SSD, target } from './support/domains.ts';
import { openIssuer } from './support/scp10-host.ts';

const PACKAGE = 'F0000000FA';
const STRANGER = 'F0000000FA01';

const change = (image: CardImage): CardImage => ({
  ...image,
  loadFiles: [
    {
      aid: PACKAGE,
      path: resolve(import.meta.dirname, '../target/test-classes'),
      modules: [{ aid: STRANGER, class: 'org.opentsm.stranger.Stranger' }],
    },
  ],
  applications: [{ module: STRANGER, aid: STRANGER }],
});

describe('An application with an interface of its own', () => {
  it(
    'is no target of a personalization, and the one before stays none either',
    withIssuerCard({ change }, async (card) => {
      const issuer = await openIssuer(card);
      await install(issuer, SSD, provider('provider a'));
      await target(issuer, SSD);
      await generate(issuer, '10');
      expect((await issuer.send('80E62000', personalizationData(STRANGER), true)).sw).equal('6A88');
      expect((await issuer.send('80478000', generateData('10', 1024), true)).sw).equal('6985');
    }),
  );
});

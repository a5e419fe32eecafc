// SPDX-License-Identifier: Apache-2.0
/** Good commands of every instruction, spoiled a little: 20,000; a million by `npm run soak -- 50 apdu-fuzz`. */
import { expect } from 'chai';
import fc from 'fast-check';
import { gateSeed, soakRuns } from '../../setup/soak/runs.ts';
import { anyCommand, managementCommand } from './support/apdu-mutations.ts';
import { ISD } from './support/card.ts';
import { SSD } from './support/domains.ts';
import { FuzzedCard, type Protocol } from './support/fuzzed-card.ts';

/** How many go where: a few are left out, which would end the domain as its owner may. */
const PLACES: readonly (readonly [string, string, Protocol, number])[] = [
  ['the issuer’s domain in clear', ISD, 'none', 6_600],
  ['an owned domain in clear', SSD, 'none', 6_600],
  ['the issuer’s domain under SCP03', ISD, 'scp03', 1_600],
  ['an owned domain under SCP03', SSD, 'scp03', 1_600],
  ['the issuer’s domain under SCP03 with R-MAC and R-ENCRYPTION', ISD, 'scp03-both', 700],
  ['an owned domain under SCP03 with R-MAC and R-ENCRYPTION', SSD, 'scp03-both', 700],
  ['the issuer’s domain under SCP02 with R-MAC', ISD, 'scp02', 700],
  ['an owned domain under SCP02 with R-MAC', SSD, 'scp02', 700],
  ['the issuer’s domain under SCP10', ISD, 'scp10', 700],
  ['an owned domain under SCP10', SSD, 'scp10', 700],
];

/** Of so many commands one is carried out at least: the others are spoiled too much. */
const LEAST_TAKEN = 20;

const off = fc.integer({ min: -20, max: 20 }).map((n) => (Math.abs(n) === 1 ? n : 0));

describe('Spoiled commands', function () {
  this.timeout(60_000 * soakRuns(1));
  let card: FuzzedCard;
  before(async () => {
    card = await FuzzedCard.open();
  });
  after(() => card?.[Symbol.asyncDispose]());

  for (const [name, domain, protocol, runs] of PLACES) {
    it(`to ${name} have a status word each, and the owned domain stays its owner’s`, async () => {
      await card.enter(domain, protocol);
      const before = card.taken;
      const command = protocol === 'none' ? anyCommand : managementCommand;
      await fc.assert(
        fc.asyncProperty(command, fc.boolean(), off, (sent, le, wrong) => card.run(sent, le, wrong)),
        { numRuns: soakRuns(runs), ...gateSeed, endOnFailure: true },
      );
      expect(card.taken - before, 'commands that were carried out').to.be.above(soakRuns(runs) / LEAST_TAKEN);
      await card.check();
    });
  }
});

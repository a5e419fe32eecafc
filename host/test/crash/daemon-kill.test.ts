// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { gateCases } from '../../../setup/soak/runs.ts';
import { SingleProviderLab } from '../../lab/single-provider-lab.ts';
import { expectDistributed } from './compare.ts';
import { afterScripts, scriptsSoFar } from './traffic.ts';

/** Daemons of the flow, by their names in the topology. */
const DAEMONS = ['provider-a', 'issuer', 'ota', 'terminal-desk', 'kms-provider-a', 'kms-issuer'] as const;

/** In the gate each daemon dies after every third trip, the next one's a trip later: all trips, all daemons. */
const NTH_TRIP = 3;

/** kill -9 of each daemon after each of the flow's trips to the card; the supervisor starts it again. */
describe('Key distribution, a daemon killed after a trip to the card', function () {
  this.timeout(600_000);
  let lab: SingleProviderLab;
  let trips = 0;

  before(async () => {
    lab = await SingleProviderLab.open({ link: 'direct', keySizeBits: 1024, keepAlive: true });
    await using inserted = await lab.insert();
    const before = await scriptsSoFar(lab);
    expect((await lab.distribute(inserted)).outcome).to.equal('distributed');
    trips = (await scriptsSoFar(lab)) - before;
  });

  after(async () => {
    await lab[Symbol.asyncDispose]();
  });

  for (const [index, name] of DAEMONS.entries()) {
    it(`resumes when ${name} dies after a trip`, async () => {
      expect(trips).to.be.within(4, 8);
      const all = Array.from({ length: trips + 1 }, (_, trip) => trip);
      for (const trip of gateCases(all, NTH_TRIP, index)) {
        await using inserted = await lab.insert();
        const start = await scriptsSoFar(lab);
        const killed = killAfter(lab, name, start + trip);
        const state = await lab.distribute(inserted);
        await killed;
        await lab.platforms.topology.ready(name);
        await expectDistributed(lab, inserted, state);
      }
    });
  }
});

/** Kills the daemon as soon as the record holds so many scripts. */
async function killAfter(lab: SingleProviderLab, name: string, scripts: number): Promise<void> {
  await afterScripts(lab, scripts);
  await lab.platforms.topology.kill(name);
}

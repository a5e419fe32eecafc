// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { cutConnections } from '../../lab/database-load.ts';
import { SingleProviderLab } from '../../lab/single-provider-lab.ts';
import { expectDistributed } from './compare.ts';
import { afterScripts, scriptsSoFar } from './traffic.ts';

const READERS = 3;
const CUTS = 12;
const DATABASES = ['issuer', 'provider_a', 'ota'];

/** Every connection of every daemon is ended by the server, again and again, while flows are at work. */
describe('Key distribution, database connections cut under load', function () {
  this.timeout(300_000);
  let lab: SingleProviderLab;

  before(async () => {
    // Nobody starts a daemon again: one that ends is missed.
    lab = await SingleProviderLab.open({ link: 'direct', keySizeBits: 1024, readers: READERS });
  });
  after(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  it('goes on in the same processes and ends every flow', async () => {
    const { topology } = lab.platforms;
    const daemons = ['issuer', 'provider-a', 'ota'];
    const pids = daemons.map((name) => topology.pid(name));
    let cuts = 0;
    let connections = 0;
    while (cuts < CUTS) {
      const seats = await Promise.all(Array.from({ length: READERS }, (_, index) => lab.insert(index)));
      const flows = Promise.all(seats.map((seat) => lab.distribute(seat)));
      const start = await scriptsSoFar(lab);
      for (let trip = 1; trip <= 6 && cuts < CUTS; trip += 1) {
        await afterScripts(lab, start + trip);
        connections += await cutConnections(topology.postgres.adminUrl, DATABASES);
        cuts += 1;
      }
      const states = await flows;
      for (const [index, seat] of seats.entries()) {
        const state = states[index];
        if (state !== undefined) await expectDistributed(lab, seat, state);
        await seat[Symbol.asyncDispose]();
      }
    }
    expect(connections).to.be.greaterThan(CUTS * 3);
    expect(daemons.map((name) => topology.pid(name))).to.deep.equal(pids);
    for (const name of daemons) await topology.healthy(name);
  });
});

// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { COUNTERS_SETTLE_MS, databaseLoad } from '../../lab/database-load.ts';
import { SingleProviderLab } from '../../lab/single-provider-lab.ts';

const READERS = 3;
const LIMIT = 60;

describe('the database load of a key distribution', function () {
  this.timeout(180_000);

  it(`is at most ${LIMIT} transactions over all daemons`, async () => {
    await using lab = await SingleProviderLab.open({ link: 'direct', keySizeBits: 1024, readers: READERS });
    const seats = await Promise.all(Array.from({ length: READERS }, (_, index) => lab.insert(index)));
    /** Transactions so far, and when. */
    const settled = async () => {
      await delay(COUNTERS_SETTLE_MS);
      const { transactions } = await databaseLoad(lab.platforms.topology.postgres.adminUrl);
      return { transactions, at: performance.now() };
    };
    const [before, still] = [await settled(), await settled()];
    const aMs = (still.transactions - before.transactions) / (still.at - before.at);
    const states = await Promise.all(seats.map((seat) => lab.distribute(seat)));
    expect(states.map(({ outcome }) => outcome)).to.deep.equal(['distributed', 'distributed', 'distributed']);
    const after = await settled();
    // What goes on without a flow is not counted, however long a busy machine takes for the flows.
    const flows = after.transactions - still.transactions - aMs * (after.at - still.at);
    console.log(
      `      ${Math.round(flows / READERS)} transactions a flow, ${Math.round(1_000 * aMs)} a second without one`,
    );
    expect(flows / READERS).to.be.at.most(LIMIT);
    // Heartbeats only: whoever waits does not ask.
    expect(1_000 * aMs).to.be.at.most(4);
  });
});

// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { COUNTERS_SETTLE_MS, databaseLoad } from '../../lab/database-load.ts';
import { requestLoad } from '../../lab/request-load.ts';
import { SingleProviderLab } from '../../lab/single-provider-lab.ts';

/** Enough that what the first flow opens, once, is no cost of each. */
const READERS = 8;
/** 53 when nothing else runs, 56 on a busy machine: leases whose next script is late are cut down meanwhile. */
const LIMIT = 60;
/** 22 when nobody asks twice: a long poll that a busy machine keeps waiting is asked again. */
const REQUESTS = 28;

const total = (counts: ReadonlyMap<string, number>): number => [...counts.values()].reduce((sum, n) => sum + n, 0);

describe('the load of a key distribution', function () {
  this.timeout(180_000);

  it(`is at most ${LIMIT} transactions and ${REQUESTS} requests over all daemons`, async () => {
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
    const requestsBefore = total(await requestLoad(lab.platforms.topology));
    // One after the other: what a flow asks again because others keep the machine busy is no cost of its own.
    for (const seat of seats) expect((await lab.distribute(seat)).outcome).to.equal('distributed');
    const requests = (total(await requestLoad(lab.platforms.topology)) - requestsBefore) / READERS;
    const after = await settled();
    // What goes on without a flow is not counted, however long a busy machine takes for the flows.
    const flows = after.transactions - still.transactions - aMs * (after.at - still.at);
    const [each, idle] = [Math.round(flows / READERS), Math.round(1_000 * aMs)];
    console.log(`      ${each} transactions and ${Math.round(requests)} requests a flow, ${idle} a second without one`);
    expect(flows / READERS).to.be.at.most(LIMIT);
    expect(requests).to.be.at.most(REQUESTS);
    // Heartbeats and looks for what is due, 4.9 to 5.2 a second: one that waits by asking would add five.
    expect(1_000 * aMs).to.be.at.most(6);
  });
});

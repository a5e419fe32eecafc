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
    const settled = async () => {
      await delay(COUNTERS_SETTLE_MS);
      return (await databaseLoad(lab.platforms.topology.postgres.adminUrl)).transactions;
    };
    const before = await settled();
    const idle = (await settled()) - before;
    const states = await Promise.all(seats.map((seat) => lab.distribute(seat)));
    expect(states.map(({ outcome }) => outcome)).to.deep.equal(['distributed', 'distributed', 'distributed']);
    const flows = (await settled()) - before - 2 * idle;
    console.log(
      `      ${Math.round(flows / READERS)} transactions a flow, ${Math.round(idle / 11)} a second without one`,
    );
    expect(flows / READERS).to.be.at.most(LIMIT);
    // Heartbeats only: whoever waits does not ask.
    expect(idle / (COUNTERS_SETTLE_MS / 1_000)).to.be.at.most(4);
  });
});

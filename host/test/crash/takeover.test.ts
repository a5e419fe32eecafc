// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import pg from 'pg';
import { draws, gateCases, soaking, soakRuns } from '../../../setup/soak/runs.ts';
import { ProductDesk } from '../../lab/product-desk.ts';
import { buildPurseCap } from '../../lab/purse-cap.ts';
import { type InsertedCard, SingleProviderLab } from '../../lab/single-provider-lab.ts';
import { expectDistributed } from './compare.ts';
import { PurseLoad } from './purse-load.ts';
import { afterScripts, scriptsSoFar } from './traffic.ts';

/** Flows at work when a node dies. */
const FLOWS = soaking ? 20 : 8;
/** Scripts that have reached the cards by then: every flow is under way, none has ended. */
const SCRIPTS = 1.5 * FLOWS;
const DAEMONS = ['provider-a', 'issuer', 'ota', 'kms-provider-a', 'kms-issuer'] as const;
/** Those that a top-up goes through; the issuer's KMS has no part in one. */
const OF_TOP_UPS = DAEMONS.filter((name) => name !== 'kms-issuer');
/** Cards that are topped up, and how often each at once. */
const PURSES = { cards: 5, atOnce: 10 } as const;

/** Two nodes of every daemon; one is killed under load and does not come back while the flows last. */
describe('A node killed for good while many flows run', function () {
  this.timeout(300_000);
  let lab: SingleProviderLab;
  /** Cards that are still in their readers, with their provider's domain. */
  let seats: InsertedCard[] = [];

  before(async () => {
    const provider = ProductDesk.config(await buildPurseCap());
    lab = await SingleProviderLab.open({ link: 'direct', keySizeBits: 1024, readers: FLOWS, nodes: 2, provider });
  });
  after(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  it('ends key distributions when a node hangs with open connections, and lets it do nothing later', async () => {
    const { topology } = lab.platforms;
    await play(() => topology.kill('provider-a', 'SIGSTOP'));
    await topology.kill('provider-a', 'SIGCONT');
    await topology.healthy('provider-a');
  });

  // In the gate every other one: `daemon-kill.test.ts` kills each.
  for (const name of gateCases(DAEMONS, 2)) {
    it(`ends ${FLOWS} key distributions with one owned domain each when one of two nodes of ${name} dies`, async () => {
      const { topology } = lab.platforms;
      await play(() => topology.kill(name));
      await topology.start(name);
    });
  }

  it(`loses and makes no money in ${PURSES.cards * PURSES.atOnce} top-ups at once when any node dies`, async () => {
    const { topology } = lab.platforms;
    const load = await purses();
    const random = draws();
    const name = `${OF_TOP_UPS[random(OF_TOP_UPS.length)]}${random(2) === 0 ? '' : '-2'}`;
    const after = random(PURSES.cards * PURSES.atOnce);
    console.log(`      kills ${name} after ${after} scripts`);
    const start = await scriptsSoFar(lab);
    const killed = afterScripts(lab, start + after).then(() => topology.kill(name));
    await load.atReaders(PURSES.atOnce, PURSES.atOnce);
    await killed;
    await topology.start(name);
    expect(load.outcomes, 'no operation lost').to.deep.equal({ credited: PURSES.cards * PURSES.atOnce });
    await load.expectBooks();
  });

  // In the gate the harder of both: no process of the server writes anything any more.
  for (const signal of gateCases(['SIGKILL', 'SIGQUIT'] as const, 2)) {
    const topUps = PURSES.cards * PURSES.atOnce;
    it(`loses and makes no money in ${topUps} top-ups at once when PostgreSQL ends by ${signal}`, async () => {
      const { topology } = lab.platforms;
      const load = await purses();
      const random = draws();
      const pids = topology.names.map((name) => topology.pid(name));
      for (let round = soakRuns(1); round > 0; round -= 1) {
        const server = await postmaster(topology.postgres.adminUrl);
        const start = await scriptsSoFar(lab);
        const ended = afterScripts(lab, start + random(topUps)).then(() => process.kill(server, signal));
        await load.atReaders(PURSES.atOnce, PURSES.atOnce);
        await ended;
        await load.expectBooks();
        expect(await postmaster(topology.postgres.adminUrl), 'another server').not.to.equal(server);
      }
      // Whoever has lost its database goes on.
      expect(topology.names.map((name) => topology.pid(name))).to.deep.equal(pids);
    });
  }

  let deployed: Promise<PurseLoad> | undefined;
  /** On the cards of the flows before. */
  function purses(): Promise<PurseLoad> {
    expect(seats.length, 'cards of the flows before').to.be.at.least(PURSES.cards);
    deployed ??= PurseLoad.deploy(lab, seats.slice(0, PURSES.cards));
    return deployed;
  }

  /** Flows on new cards in all readers; `act` comes when they are under way. */
  async function play(act: () => Promise<void>): Promise<void> {
    await Promise.all(seats.map((seat) => seat[Symbol.asyncDispose]()));
    seats = await Promise.all(Array.from({ length: FLOWS }, (_, index) => lab.insert(index)));
    const start = await scriptsSoFar(lab);
    const flows = Promise.all(seats.map((seat) => lab.distribute(seat)));
    await afterScripts(lab, start + SCRIPTS);
    await act();
    const states = await flows;
    expect(states).to.have.length(FLOWS);
    for (const [index, state] of states.entries()) {
      const seat = seats[index];
      if (seat !== undefined) await expectDistributed(lab, seat, state);
    }
  }
});

/** Process of the server behind this address: the first line of its `postmaster.pid`. */
async function postmaster(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query('SHOW data_directory');
  await client.end();
  const [pid = ''] = (await readFile(join(rows[0].data_directory, 'postmaster.pid'), 'utf8')).split('\n');
  return Number(pid);
}

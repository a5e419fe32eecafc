// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { soaking } from '../../../setup/soak/runs.ts';
import { SingleProviderLab } from '../../lab/single-provider-lab.ts';
import { expectDistributed } from './compare.ts';
import { afterScripts, scriptsSoFar } from './traffic.ts';

/** Flows at work when a node dies. */
const FLOWS = soaking ? 20 : 8;
/** Scripts that have reached the cards by then: every flow is under way, none has ended. */
const SCRIPTS = 1.5 * FLOWS;

/** Two nodes of every daemon; one is killed under load and does not come back while the flows last. */
describe('Key distribution, a node killed for good while many flows run', function () {
  this.timeout(300_000);
  let lab: SingleProviderLab;

  before(async () => {
    lab = await SingleProviderLab.open({ link: 'direct', keySizeBits: 1024, readers: FLOWS, nodes: 2 });
  });
  after(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  it('ends all flows when a node hangs with its connections open, and lets it do nothing when it wakes', async () => {
    const { topology } = lab.platforms;
    await play(() => topology.kill('provider-a', 'SIGSTOP'));
    await topology.kill('provider-a', 'SIGCONT');
    await topology.healthy('provider-a');
  });

  for (const name of ['provider-a', 'issuer', 'ota', 'kms-provider-a', 'kms-issuer']) {
    it(`ends ${FLOWS} flows with one owned domain each when one of two nodes of ${name} dies`, async () => {
      const { topology } = lab.platforms;
      await play(() => topology.kill(name));
      await topology.start(name);
    });
  }

  /** Flows on new cards in all readers; `act` comes when they are under way. */
  async function play(act: () => Promise<void>): Promise<void> {
    const seats = await Promise.all(Array.from({ length: FLOWS }, (_, index) => lab.insert(index)));
    const start = await scriptsSoFar(lab);
    const flows = Promise.all(seats.map((seat) => lab.distribute(seat)));
    await afterScripts(lab, start + SCRIPTS);
    await act();
    const states = await flows;
    expect(states).to.have.length(FLOWS);
    for (const [index, state] of states.entries()) {
      const seat = seats[index];
      if (seat !== undefined) await expectDistributed(lab, seat, state);
      await seat?.[Symbol.asyncDispose]();
    }
  }
});

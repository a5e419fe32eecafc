// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { SimulatorError, startSimulator } from '../src/index.ts';
import { probeA, probeB, probeImage, select, send } from './fixture/probe.ts';

const LOOP = '800D0000';
/** A reset waits for a second of the applet's computing, and then for the machine. */
const SOON_MS = 30_000;

/** The error code a command ends with. */
const codeOf = (answer: Promise<string>): Promise<string> =>
  answer.then(
    (response) => response,
    (error: unknown) => (error instanceof SimulatorError ? error.code : String(error)),
  );

describe('An applet that never ends', () => {
  it('is cut off by a reset, while another card goes on', async () => {
    await using simulator = await startSimulator();
    await using stuck = await simulator.insert(probeImage({ name: 'stuck' }));
    await using other = await simulator.insert(probeImage({ name: 'other' }));
    await select(stuck, probeA);
    const answer = codeOf(send(stuck, LOOP));
    expect(await select(other, probeB)).to.equal('9000');
    expect(await send(other, '8002000000')).to.match(/9000$/);
    const start = performance.now();
    await stuck.reset();
    expect(performance.now() - start).to.be.below(SOON_MS);
    expect(await answer).to.equal('command-endless');
    expect(await select(stuck, probeA)).to.equal('9000');
  }).timeout(120_000);

  it('does not keep the simulator from ending', async () => {
    const simulator = await startSimulator();
    const card = await simulator.insert(probeImage({ name: 'stuck' }));
    await select(card, probeA);
    const answer = codeOf(send(card, LOOP));
    // Making another card takes much longer than the loop needs to begin.
    await simulator.insert(probeImage({ name: 'other' }));
    const start = performance.now();
    await simulator.stop();
    expect(performance.now() - start).to.be.below(SOON_MS);
    expect(await answer).to.be.oneOf(['command-endless', 'card-removed', 'stopped']);
  }).timeout(120_000);
});

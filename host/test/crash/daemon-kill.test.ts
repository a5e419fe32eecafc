import { expect } from 'chai';
import { Stage } from '../../demo/stage.ts';
import { expectDistributed } from './compare.ts';
import { afterScripts, scriptsSoFar } from './traffic.ts';

/** Daemons of the flow, by their names in the topology. */
const DAEMONS = ['provider-a', 'issuer', 'ota', 'terminal-desk', 'kms-provider-a', 'kms-issuer'] as const;

/** kill -9 of each daemon after each of the flow's trips to the card; the supervisor starts it again. */
describe('Key distribution, a daemon killed after every trip to the card', function () {
  this.timeout(600_000);
  let stage: Stage;
  let trips = 0;

  before(async () => {
    stage = await Stage.open({ link: 'direct', keySizeBits: 1024, keepAlive: true });
    await using seated = await stage.seat();
    const before = await scriptsSoFar(stage);
    expect((await stage.distribute(seated)).outcome).to.equal('distributed');
    trips = (await scriptsSoFar(stage)) - before;
  });

  after(async () => {
    await stage[Symbol.asyncDispose]();
  });

  for (const name of DAEMONS) {
    it(`resumes when ${name} dies after each trip`, async () => {
      expect(trips).to.be.within(4, 8);
      for (let trip = 0; trip <= trips; trip += 1) {
        await using seated = await stage.seat();
        const start = await scriptsSoFar(stage);
        const killed = killAfter(stage, name, start + trip);
        const state = await stage.distribute(seated);
        await killed;
        await stage.platforms.topology.ready(name);
        await expectDistributed(stage, seated, state);
      }
    });
  }
});

/** Kills the daemon as soon as the record holds so many scripts. */
async function killAfter(stage: Stage, name: string, scripts: number): Promise<void> {
  await afterScripts(stage, scripts);
  await stage.platforms.topology.kill(name);
}

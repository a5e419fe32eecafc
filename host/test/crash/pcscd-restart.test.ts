// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { SingleProviderLab } from '../../lab/single-provider-lab.ts';
import { ensurePcscd, type PcscService } from '../../local/pcscd.ts';
import { expectDistributed } from './compare.ts';
import { afterScripts, scriptsSoFar } from './traffic.ts';

/**
 * kill -9 of pcscd after each trip, and a new one in its place: readers vanish and come back, the card loses its power.
 */
describe('Key distribution through PC/SC, pcscd killed after every trip to the card', function () {
  this.timeout(300_000);
  let lab: SingleProviderLab;
  let pcscd: PcscService;
  let trips = 0;

  const startPcscd = async () => {
    const service = await ensurePcscd();
    if ('missing' in service) throw new Error(service.missing);
    if (!service.started)
      throw new Error('a pcscd that is not ours runs: stop it, or run as root with iproute2 installed');
    return service;
  };

  before(async () => {
    pcscd = await startPcscd();
    lab = await SingleProviderLab.open({ link: 'pcsc', keySizeBits: 1024 });
    await using inserted = await lab.insert();
    expect((await lab.distribute(inserted)).outcome).to.equal('distributed');
    trips = await scriptsSoFar(lab);
  });

  after(async () => {
    await lab?.[Symbol.asyncDispose]();
    await pcscd?.stop();
  });

  it('resumes when the service comes back', async () => {
    expect(trips).to.be.within(4, 8);
    for (let trip = 0; trip <= trips; trip += 1) {
      await using inserted = await lab.insert();
      const restarted = afterScripts(lab, (await scriptsSoFar(lab)) + trip).then(async () => {
        pcscd.process?.kill('SIGKILL');
        await pcscd.stop();
        pcscd = await startPcscd();
      });
      const state = await lab.distribute(inserted);
      await restarted;
      await expectDistributed(lab, inserted, state);
    }
  });
});

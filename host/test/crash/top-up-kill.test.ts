// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { gateCases } from '../../../setup/soak/runs.ts';
import { PeerError, TransportError } from '../../errors.ts';
import { ProductDesk } from '../../lab/product-desk.ts';
import { buildPurseCap } from '../../lab/purse-cap.ts';
import { type InsertedCard, SingleProviderLab } from '../../lab/single-provider-lab.ts';
import { afterScripts, scriptsSoFar } from './traffic.ts';

/** Daemons of a top-up, by their names in the topology, and after how many trips each is killed. */
const DAEMONS = [
  ['provider-a', gateCases([0, 1, 2], 2)],
  ['issuer', gateCases([0, 1], 2, 1)],
  ['ota', [1]],
  ['kms-provider-a', [1]],
] as const;

/** kill -9 around each trip to the card, by separate processes: the books agree with the card at the end. */
describe('Top-up and loss report, a daemon killed', function () {
  this.timeout(600_000);
  let lab: SingleProviderLab;
  let desk: ProductDesk;
  let inserted: InsertedCard;
  let serial = '';
  let paid = 0;

  before(async () => {
    const provider = ProductDesk.config(await buildPurseCap());
    lab = await SingleProviderLab.open({ link: 'direct', keySizeBits: 1024, provider });
    desk = new ProductDesk(lab.platforms, lab.provider);
    await desk.register();
    inserted = await lab.insert();
    expect((await lab.distribute(inserted)).outcome).to.equal('distributed');
    const deployment = await desk.deploy(inserted);
    expect(JSON.stringify(deployment.problem)).to.equal(undefined);
    serial = deployment.instance?.serial ?? '';
  });
  after(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  async function expectBooks(): Promise<void> {
    const ledger = await desk.ledger(inserted, serial);
    expect(ledger, JSON.stringify(ledger)).to.include({ platform: paid, open: 0, equal: true });
  }

  for (const [name, trips] of DAEMONS) {
    it(`${name} after trip ${trips.join(', ')}: money arrives once`, async () => {
      for (const trip of trips) {
        const amount = 10 + trip;
        const start = await scriptsSoFar(lab);
        const killed = afterScripts(lab, start + trip).then(async () => {
          await lab.platforms.topology.kill(name);
          await lab.platforms.topology.start(name);
        });
        const state = await desk.topUp(inserted, amount);
        await killed;
        await lab.platforms.topology.ready(name);
        expect([state.outcome, state.tacVerified], JSON.stringify(state.problem)).to.deep.equal(['credited', true]);
        paid += amount;
      }
      await expectBooks();
    });
  }

  it('provider-a at the moment of a loss report: refused as soon as it is back, and told', async () => {
    await lab.platforms.topology.kill('provider-a');
    const report = await desk.reportLoss(inserted.cardId);
    expect(report.synchronised).to.equal(false);
    await lab.platforms.topology.start('provider-a');
    const state = await desk.topUp(inserted, 5);
    expect([state.outcome, state.problem?.type]).to.deep.equal(['refused', 'urn:opentsm:problem:product-not-valid']);
    await desk.synchronised(report.id);
    await desk.found(report.id);
    await desk.synchronised(report.id);
    expect((await desk.topUp(inserted, 5)).outcome).to.equal('credited');
    paid += 5;
    await expectBooks();
  });

  it('issuer before its answer to a loss report: the same report goes on', async () => {
    const report = desk.reportLoss(inserted.cardId, 'report-of-a-killed-issuer').catch((error: unknown) => error);
    await lab.platforms.topology.kill('issuer');
    await lab.platforms.topology.start('issuer');
    const outcome = await report;
    if (outcome instanceof Error)
      expect(outcome).to.satisfy((e: unknown) => e instanceof TransportError || e instanceof PeerError);
    const again = await desk.reportLoss(inserted.cardId, 'report-of-a-killed-issuer');
    expect((await desk.topUp(inserted, 5)).outcome).to.equal('refused');
    await desk.synchronised(again.id);
    await desk.found(again.id);
    await desk.synchronised(again.id);
    await expectBooks();
  });
});

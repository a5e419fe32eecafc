// SPDX-License-Identifier: Apache-2.0
import { randomInt, randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { PeerError, TransportError } from '../../errors.ts';
import { ProductDesk } from '../../lab/product-desk.ts';
import { buildPurseCap } from '../../lab/purse-cap.ts';
import { type InsertedCard, SingleProviderLab } from '../../lab/single-provider-lab.ts';
import type { TopUpState } from '../../wire/message/platform.ts';

const CARDS = 5;
/** Of each card; all cards at once. */
const TOP_UPS = 4;
const DAEMONS = ['provider-a', 'issuer', 'ota', 'terminal-desk', 'kms-provider-a'] as const;
const LONGEST_PAUSE_MS = 6_000;

/** Many top-ups at once, while any daemon is killed at any time: after healing the books agree with every card. */
describe('Top-ups under load, daemons killed at random', function () {
  this.timeout(3_600_000);
  let lab: SingleProviderLab;
  let desk: ProductDesk;
  const cards: { readonly inserted: InsertedCard; readonly serial: string; least: number; most: number }[] = [];

  before(async () => {
    const provider = ProductDesk.config(await buildPurseCap());
    const options = { link: 'direct', keySizeBits: 1024, readers: CARDS, keepAlive: true, provider } as const;
    lab = await SingleProviderLab.open(options);
    desk = new ProductDesk(lab.platforms, lab.provider);
    await desk.register();
    for (let index = 0; index < CARDS; index++) {
      const inserted = await lab.insert(index);
      expect((await lab.distribute(inserted)).outcome).to.equal('distributed');
      const { instance, problem } = await desk.deploy(inserted);
      expect(JSON.stringify(problem)).to.equal(undefined);
      cards.push({ inserted, serial: instance?.serial ?? '', least: 0, most: 0 });
    }
  });
  after(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  /** The same key until somebody answers: a provider that was killed takes its time to come back. */
  async function persistently(inserted: InsertedCard, amount: number): Promise<TopUpState> {
    const key = randomUUID();
    for (;;) {
      try {
        return await desk.topUp(inserted, amount, key);
      } catch (error) {
        if (!(error instanceof TransportError) && !(error instanceof PeerError && error.context.status === 503))
          throw error;
        await lab.platforms.topology.ready('provider-a').catch(() => {});
      }
    }
  }

  it('no money is lost or made', async () => {
    let over = false;
    const killing = (async () => {
      while (!over) {
        await new Promise((resolve) => setTimeout(resolve, randomInt(LONGEST_PAUSE_MS)));
        await lab.platforms.topology.kill(DAEMONS[randomInt(DAEMONS.length)] ?? 'issuer').catch(() => {});
      }
    })();
    try {
      await Promise.all(
        cards.map(async (card) => {
          for (let n = 0; n < soakRuns(TOP_UPS); n++) {
            const amount = 1 + randomInt(50);
            card.most += amount;
            const state = await persistently(card.inserted, amount);
            // One that failed may have reached the card: the next contact says so.
            if (state.outcome === 'credited') card.least += amount;
          }
        }),
      );
    } finally {
      over = true;
      await killing;
    }
    for (const name of DAEMONS) await lab.platforms.topology.ready(name);
    for (const { inserted, serial, least, most } of cards) {
      const ledger = await desk.ledger(inserted, serial);
      expect(ledger, JSON.stringify(ledger)).to.include({ open: 0, equal: true });
      expect(ledger.platform, serial).to.be.within(least, most);
    }
  });
});

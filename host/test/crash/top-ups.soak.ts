// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { draws, soakRuns } from '../../../setup/soak/runs.ts';
import type { Phone } from '../../lab/phone.ts';
import { ProductDesk } from '../../lab/product-desk.ts';
import { buildPurseCap } from '../../lab/purse-cap.ts';
import { type InsertedCard, SingleProviderLab } from '../../lab/single-provider-lab.ts';
import { PurseLoad } from './purse-load.ts';

/** As many top-ups are under way at any time. */
const CARDS = 50;
const LONGEST_PAUSE_MS = 3_000;
/** So many nodes may be on their way back at a time: on a slow machine that takes longer than the pauses. */
const MOST_AWAY = 3;

/** Two nodes of every daemon, many top-ups at once, any node killed at any time: the books agree with every card. */
describe('Top-ups under load, nodes killed at random', function () {
  this.timeout(3_600_000);
  let lab: SingleProviderLab;
  let load: PurseLoad;
  let phones: Phone[] = [];

  before(async () => {
    const provider = ProductDesk.config(await buildPurseCap());
    const options = { link: 'direct', keySizeBits: 1024, readers: CARDS, keepAlive: true, provider } as const;
    lab = await SingleProviderLab.open({ ...options, front: true, nodes: 2 });
    const cards: InsertedCard[] = [];
    for (let index = 0; index < CARDS; index += 1) cards.push(await lab.insert(index));
    for (const { outcome } of await Promise.all(cards.map((card) => lab.distribute(card))))
      expect(outcome).to.equal('distributed');
    load = await PurseLoad.deploy(lab, cards);
    phones = await load.phones();
  });
  after(async () => {
    await Promise.all(phones.map((phone) => phone[Symbol.asyncDispose]()));
    await lab?.[Symbol.asyncDispose]();
  });

  /** Kills any node of any daemon until `work` is over; then all of them are there again. */
  async function amongKills(work: () => Promise<void>): Promise<number> {
    const { topology } = lab.platforms;
    let over = false;
    let kills = 0;
    const random = draws();
    const away = new Set<string>();
    const killing = (async () => {
      while (!over) {
        await new Promise((resolve) => setTimeout(resolve, random(LONGEST_PAUSE_MS)));
        const name = topology.names[random(topology.names.length)] ?? 'issuer';
        if (away.has(name) || away.size >= MOST_AWAY) continue;
        away.add(name);
        await topology.kill(name);
        kills += 1;
        const back = () => away.delete(name);
        topology.ready(name).then(back, back);
      }
    })();
    try {
      await work();
    } finally {
      over = true;
      await killing;
    }
    for (const name of topology.names) await topology.ready(name);
    return kills;
  }

  for (const [way, topUp] of [
    ['at readers', () => load.atReaders(soakRuns(1), 1)],
    ['by phones', () => load.byPhones(phones, soakRuns(1))],
  ] as const) {
    it(`no money is lost or made ${way}`, async () => {
      const kills = await amongKills(topUp);
      expect(kills, 'top-ups among no kills show nothing').to.be.above(0);
      const { least, most, platform } = await load.expectBooks();
      console.log(`      ${kills} kills; cards have ${platform} cents, ${least} were credited, ${most} asked for`);
    });
  }
});

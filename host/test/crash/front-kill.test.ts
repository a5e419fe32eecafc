// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { listPoolNodes } from '../../cli/flow-client.ts';
import { cardInPhone } from '../../lab/card-in-phone.ts';
import type { Phone } from '../../lab/phone.ts';
import { PRODUCT_ID, ProductDesk } from '../../lab/product-desk.ts';
import { buildPurseCap } from '../../lab/purse-cap.ts';
import { type InsertedCard, SingleProviderLab } from '../../lab/single-provider-lab.ts';
import type { CardChannel } from '../../transport/card-channel.ts';

/** The node that a phone's agent talks to. */
const NODE = 'front';
const TSM = join(import.meta.dirname, '../../cli/tsm.mjs');

function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return true;
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** kill -9 of the front's node that holds a session, between two APDUs of a top-up: the other one goes on with it. */
describe('The front, a node killed', function () {
  this.timeout(600_000);
  let lab: SingleProviderLab;
  let desk: ProductDesk;
  let inserted: InsertedCard;
  let serial = '';
  let paid = 0;
  /** Before the card gets this APDU of a session, counted from 1, the node dies. */
  let killAt = 0;
  /** Processes of the node that were killed so. */
  let killed: (number | undefined)[] = [];

  before(async () => {
    const provider = ProductDesk.config(await buildPurseCap());
    lab = await SingleProviderLab.open({ link: 'direct', keySizeBits: 1024, provider, front: true, nodes: 2 });
    desk = new ProductDesk(lab.platforms, lab.provider);
    await desk.register();
    inserted = await lab.insert();
    expect((await lab.distribute(inserted)).outcome).to.equal('distributed');
    serial = (await desk.deploy(inserted)).instance?.serial ?? '';
  });
  after(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  /** The card, with somebody who pulls the plug of the node. */
  const mortal = async (): Promise<CardChannel> => {
    const inner = await cardInPhone(inserted.card)();
    let count = 0;
    return {
      ...inner,
      transmit: async (command) => {
        count += 1;
        if (count === killAt) {
          killed.push(lab.platforms.topology.pid(NODE));
          await lab.platforms.topology.kill(NODE);
        }
        return inner.transmit(command);
      },
    };
  };

  const phoneOf = (): Promise<Phone> => lab.platforms.phone('alice', [inserted.cardId], mortal);

  for (const [at, name] of [
    [1, 'SELECT'],
    [2, 'INITIALIZE FOR LOAD'],
    [3, 'CREDIT FOR LOAD'],
  ] as const) {
    it(`before ${name}: the same top-up goes on at the other node, and money arrives once`, async () => {
      await using phone = await phoneOf();
      killAt = at;
      killed = [];
      const amount = 100 + at;
      const action = {
        actionCode: 'TOPUP',
        productId: PRODUCT_ID,
        amount,
        seType: 'uicc',
        seId: inserted.cardId.value,
      } as const;
      const state = await phone.perform(action);
      expect([state.outcome, state.tacVerified, state.roundTrips], JSON.stringify(state)).to.deep.equal([
        'credited',
        true,
        2,
      ]);
      paid += amount;
      // The card got so far, and the node was gone behind it.
      expect(killed).to.have.length(1);
      expect(isAlive(killed[0])).to.equal(false);
      await lab.platforms.topology.start(NODE);
      expect(lab.platforms.topology.pid(NODE)).to.not.equal(killed[0]);
      await lab.platforms.topology.healthy(NODE);
      const ledger = await desk.ledger(inserted, serial);
      expect(ledger, JSON.stringify(ledger)).to.include({ platform: paid, open: 0, equal: true });
    });
  }

  /** By an operator of the front, whose file this writes. */
  const operatorFile = async (): Promise<string> => {
    const { topology } = lab.platforms;
    const peer = topology.peer(NODE);
    const tls = await topology.pki.issue({ role: 'operator', id: 'alice', platform: peer });
    const file = join(topology.stateDir, 'operator-of-front.json');
    await writeFile(file, JSON.stringify({ platform: { url: topology.addresses(NODE), ...peer }, tls }));
    return file;
  };

  it('asks the provider’s other node when one is killed, and `tsm front nodes` shows it', async () => {
    const { topology } = lab.platforms;
    const file = await operatorFile();
    const [alive, dead] = topology.addresses('provider-a').split(' ');
    await topology.kill('provider-a-2');
    await using phone = await phoneOf();
    killAt = 0;
    const action = { actionCode: 'TOPUP', productId: PRODUCT_ID, amount: 9, seType: 'uicc' } as const;
    expect((await phone.perform({ ...action, seId: inserted.cardId.value })).outcome).to.equal('credited');
    const seen = async () => {
      const views = await listPoolNodes(file);
      return views.flatMap(({ nodes }) => nodes.filter(({ pool }) => pool === 'provider-a'));
    };
    // Each node of the front finds it out by itself.
    const of = (nodes: Awaited<ReturnType<typeof seen>>, at?: string) =>
      nodes.filter(({ address }) => address === at).map(({ state }) => state);
    let nodes = await seen();
    while (of(nodes, dead).join() !== 'down,down') {
      await delay(100);
      nodes = await seen();
    }
    // A node of the front that has just started gives it a growing share.
    for (const state of of(nodes, alive)) expect(state).to.be.oneOf(['starting', 'up']);
    const shown = spawnSync(process.execPath, [TSM, 'front', 'nodes', '--config', file], { encoding: 'utf8' });
    expect([shown.status, shown.stderr]).to.deep.equal([0, '']);
    for (const front of topology.addresses(NODE).split(' ')) expect(shown.stdout).to.include(`${front}\n`);
    expect(shown.stdout.match(new RegExp(`provider-a +down +${dead} `, 'g'))).to.have.length(2);
    expect(shown.stdout.match(new RegExp(`provider-a +(up|starting) +${alive} `, 'g'))).to.have.length(2);
  });
});

// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { INSTANCE_STATE, type ProductStateChange } from '../../wire/message/platform.ts';
import type { InProcess } from '../flow/in-process.ts';
import { insertWithPurse, instanceOf, sharedProducts } from '../flow/shared-products.ts';

/** After the answer to a loss report nothing is loaded, whoever is away and whatever was under way. */
describe('a loss report', function () {
  this.timeout(240_000);
  let world: InProcess;
  let card: Awaited<ReturnType<InProcess['insertMade']>>;
  let serial = '';

  before(async () => {
    world = await sharedProducts();
    const made = await insertWithPurse(world, 'lost');
    card = made.card;
    serial = made.instance.serial;
  });

  async function found(id: string): Promise<void> {
    await world.products.products.closeLossReport(id, 'front');
    await world.products.synchronised(id);
  }
  const instanceState = async () => (await instanceOf(world, card)).state;

  it('holds while the provider is down and has heard nothing of it', async () => {
    world.products.between.providerAway = true;
    const report = await world.products.reportLoss(card.cardId);
    expect(report.synchronised).to.equal(false);
    expect(await instanceState(), 'the provider knows nothing').to.equal(INSTANCE_STATE.OPERATIONAL);
    const state = await world.products.topUp(card, 100);
    expect([state.outcome, state.problem?.type]).to.deep.equal(['refused', 'urn:opentsm:problem:product-not-valid']);
    world.products.between.providerAway = false;
    await world.products.synchronised(report.id);
    expect(await instanceState()).to.equal(INSTANCE_STATE.SUSPENDED);
    await found(report.id);
    expect(await world.products.ledger(card, serial)).to.include({ platform: 0, loads: 0, equal: true });
  });

  it('is answered only when no credit under a permit is on its way to the card', async () => {
    const order: string[] = [];
    let report: Promise<{ readonly id: string }> | undefined;
    world.products.between.afterPermit = async () => {
      delete world.products.between.afterPermit;
      report = world.products.reportLoss(card.cardId).then((answer) => {
        order.push('answered');
        return answer;
      });
    };
    world.between.answers = (commands, responses) => {
      if (commands.some(({ label }) => label === 'CREDIT FOR LOAD')) order.push('the card has answered');
      return [...responses];
    };
    const during = await world.products.topUp(card, 50);
    expect(during.outcome).to.equal('credited');
    const answer = await report;
    delete world.between.answers;
    expect(order).to.deep.equal(['the card has answered', 'answered']);
    const after = await world.products.topUp(card, 50);
    expect(after.outcome).to.equal('refused');
    await found(answer?.id ?? '');
    expect(await world.products.ledger(card, serial)).to.include({ platform: 50, loads: 1, equal: true });
  });

  it('is the same when it is asked again, and stays until the last report of the card is closed', async () => {
    const [one, same] = await Promise.all([
      world.products.reportLoss(card.cardId, 'report-one'),
      world.products.reportLoss(card.cardId, 'report-one'),
    ]);
    expect(same.id).to.equal(one.id);
    const two = await world.products.reportLoss(card.cardId, 'report-two');
    await found(one.id);
    expect((await world.products.topUp(card, 1)).outcome).to.equal('refused');
    await found(two.id);
    expect((await world.products.topUp(card, 1)).outcome).to.equal('credited');
  });

  it('reaches the provider in order and once, over lost acknowledgements and breaks', async () => {
    const seen: ProductStateChange[] = [];
    world.products.between.beforeChange = async (change) => void seen.push(change);
    world.products.between.loseAcknowledgement = true;
    const report = await world.products.reportLoss(card.cardId);
    await world.products.synchronised(report.id);
    world.products.between.providerAway = true;
    await world.products.products.closeLossReport(report.id, 'front');
    const again = await world.products.reportLoss(card.cardId);
    await world.products.products.closeLossReport(again.id, 'front');
    world.products.between.providerAway = false;
    await world.products.synchronised(again.id);
    delete world.products.between.beforeChange;
    const numbers = seen.map(({ sequence }) => sequence);
    expect(numbers[1], 'handed on again after the lost answer').to.equal(numbers[0]);
    expect(numbers).to.deep.equal([...numbers].sort((a, b) => a - b));
    expect(new Set(numbers).size).to.equal(4);
    expect(await instanceState()).to.equal(INSTANCE_STATE.OPERATIONAL);
  });

  it('is taken from our issuer alone, in its order', async () => {
    const { productStates } = world.products;
    const change = { eventId: '1', cardId: card.cardId, productId: 'transit', from: 'VALID', to: 'INVALID' } as const;
    const refusal = async (act: Promise<unknown>) =>
      ((await act.catch((error: unknown) => error)) as { code?: string }).code;
    expect(await refusal(productStates.change({ ...change, sequence: 1_000 }, 'issuer'))).to.equal('sequence-gap');
    expect(await refusal(productStates.change({ ...change, sequence: 1 }, 'another'))).to.equal('not-our-issuer');
    expect(await refusal(productStates.change({ ...change, sequence: 1 }, 'issuer'))).to.equal('other-history');
    expect(await instanceState(), 'an old change changes nothing').to.equal(INSTANCE_STATE.OPERATIONAL);
  });

  it('of a card or product that is not there is refused', async () => {
    const report = { cardId: card.cardId, reason: 'lost', reportedBy: 'user' } as const;
    const refusal = async (act: Promise<unknown>) =>
      ((await act.catch((error: unknown) => error)) as { code?: string }).code;
    const { products } = world.products;
    expect(
      await refusal(products.reportLoss('no-such-product', 'front', { ...report, productIds: ['other'] })),
    ).to.equal('product-not-on-card');
    const cardId = { kind: 'iccid', value: '89860000000000000000' } as const;
    expect(await refusal(products.reportLoss('no-such-card', 'front', { ...report, cardId }))).to.equal('card-unknown');
    expect(
      await refusal(products.takePermit('permit-of-b', 'b', { cardId: card.cardId, productId: 'transit' })),
    ).to.equal('product-not-on-card');
  });
});

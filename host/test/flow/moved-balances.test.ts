// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { TransportError } from '../../errors.ts';
import { cardIdText } from '../../store/card-id.ts';
import { aid } from '../../wire/gp/aid.ts';
import { toCardCommand } from '../../wire/gp/command.ts';
import { select } from '../../wire/gp/select.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { CardCommand, CardPlace, CardResponse } from '../../wire/message/card-script.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { Renewal, ServiceInstance } from '../../wire/message/platform.ts';
import {
  debitForPurchase,
  decodePurchaseInitialized,
  decodePurchaseTac,
  initializeForPurchase,
} from '../../wire/purse/commands.ts';
import { dateTimeOf } from '../../wire/purse/values.ts';
import type { InProcess, Seat } from './in-process.ts';
import { PURSE_AID } from './product-world.ts';
import { insertWithPurse, instanceOf, sharedProducts } from './shared-products.ts';

type Made = Awaited<ReturnType<InProcess['insertMade']>>;
interface Replaced {
  readonly old: Made;
  readonly next: Made;
  readonly before: ServiceInstance;
  readonly after: ServiceInstance;
}

/** The balance of a replaced card's purse comes onto the new one: once, whoever stands between, whatever breaks. */
describe('balances of purses on replaced cards', function () {
  this.timeout(240_000);
  let world: InProcess;
  /** Cards that are in somebody's hand. */
  const here = new Map<string, Made>();
  /** The card that its user has now, and what is on it. */
  let held: Made;
  let total = 0;

  before(async () => {
    world = await sharedProducts();
    held = (await insertWithPurse(world, 'moved')).card;
    world.products.between.places = (cardId: CardId): CardPlace[] => {
      const found = here.get(cardIdText(cardId));
      if (found === undefined) return [];
      return [{ terminalId: 't', readerName: found.readerName, insertion: String(found.seat.insertion), named: true }];
    };
  });
  afterEach(() => {
    here.clear();
    for (const name of ['answers', 'beforeTrip'] as const) delete world.between[name];
  });
  after(() => {
    delete world?.products.between.places;
  });

  async function until<T>(what: string, look: () => Promise<T>, is: (seen: T) => boolean): Promise<T> {
    const deadline = Date.now() + 60_000;
    for (;;) {
      const seen = await look();
      if (is(seen)) return seen;
      if (Date.now() > deadline) throw new TransportError('not-seen', `${what}: ${JSON.stringify(seen)}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  const renewalOf = async ({ instanceId }: ServiceInstance): Promise<Renewal | undefined> =>
    (await world.products.renewals.list({ limit: 500 })).find((one) => one.instanceId === instanceId);
  const untilBalance = ({ before }: Replaced, state: string) =>
    until(
      state,
      () => renewalOf(before),
      (seen) => seen?.balance?.state === state,
    );
  const bring = (...cards: readonly Made[]) => {
    for (const card of cards) here.set(cardIdText(card.cardId), card);
  };
  /** Somebody says that this card is here. */
  const contact = (card: Made) => {
    bring(card);
    return world.products.cardLocks.contact(card.cardId);
  };

  /** So much more on the purse of before, whose card is then replaced by one that gets a purse of its own. */
  async function replaced(name: string, more: number): Promise<Replaced> {
    const old = held;
    const before = await instanceOf(world, old);
    if (more > 0) expect((await world.products.topUp(old, more)).outcome).to.equal('credited');
    total += more;
    const next = await world.insertMade(`moved-${name}`);
    await replace(old, next);
    await until(
      'terminated',
      () => instanceOf(world, old),
      ({ productState }) => productState === 'TERMINATED',
    );
    bring(next);
    await world.products.renewals.agree(before.instanceId, {}, 'operator');
    await until(
      'done',
      () => renewalOf(before),
      (seen) => seen?.state === 'done',
    );
    here.clear();
    held = next;
    return { old, next, before, after: await instanceOf(world, next) };
  }
  const replace = (old: Made, { cardId: replacedBy }: Made) =>
    world.products.secureElements.move(old.cardId.value, { state: 'REPLACED', replacedBy }, 'operator');

  async function expectMoved({ old, next, before, after }: Replaced, spent = 0) {
    const amount = total;
    const purchases = total + spent;
    const there = await world.products.ledger(next, after.serial);
    expect(there, JSON.stringify(there)).to.include({ platform: amount, loads: 1, open: 0, equal: true });
    const left = await world.products.ledger(old, before.serial);
    expect(left, JSON.stringify(left)).to.include({ platform: 0, purchases, open: 0, equal: true });
    expect((await renewalOf(before))?.balance).to.deep.equal({ state: 'credited', amount });
  }

  const transmit = async ({ card }: Seat, commands: readonly CardCommand[]): Promise<string[]> => {
    const answers: string[] = [];
    for (const apdu of commands.flatMap(({ apdus }) => apdus)) answers.push(toHex(await card.transmit(fromHex(apdu))));
    return answers;
  };

  /** A shop's terminal takes an amount off the purse. @returns status word of INITIALIZE, and what a terminal keeps */
  async function spend(seat: Seat, { serial, productId }: ServiceInstance, amount: number) {
    const terminal = toHex(new Uint8Array(randomBytes(6)));
    await seat.card.reset();
    const initialize = initializeForPurchase({ account: 'purse', keyIndex: 1, amount, terminal });
    const opening = [toCardCommand(select(aid(PURSE_AID))), toCardCommand(initialize)];
    const opened = (await transmit(seat, opening)).at(-1) ?? '';
    if (!opened.endsWith('9000')) return { sw: opened.slice(-4) };
    const { counter, random } = decodePurchaseInitialized(fromHex(opened.slice(0, -4)));
    const facts = { serial, account: 'purse', amount, terminal, terminalCounter: 7, dateTime: dateTimeOf(new Date()) };
    const { mac1 } = await world.provider.kms.purse.authorizeDebit({
      ...facts,
      account: 'purse',
      keySet: world.products.product.keySet,
      counter,
      random: toHex(random),
    });
    const [paid = ''] = await transmit(seat, [toCardCommand(debitForPurchase(7, facts.dateTime, fromHex(mac1, 4)))]);
    expect(paid.slice(-4)).to.equal('9000');
    const { account: _account, ...kept } = facts;
    return { sw: '9000', purchase: { ...kept, productId, tac: toHex(decodePurchaseTac(fromHex(paid.slice(0, -4)))) } };
  }

  /** Changes the response to the commands of this label. */
  const lie = (label: string, answer: (response: CardResponse) => CardResponse) => {
    const before = world.between.answers;
    world.between.answers = (commands, responses, seat) =>
      (before?.(commands, responses, seat) ?? responses).map((response, index) =>
        commands[index]?.label === label ? answer(response) : response,
      );
  };

  it('that are nothing are told so, and nothing is loaded', async () => {
    const moved = await replaced('empty', 0);
    bring(moved.next);
    await contact(moved.old);
    await untilBalance(moved, 'empty');
    expect(await world.products.ledger(moved.next, moved.after.serial)).to.include({ platform: 0, loads: 0 });
  });

  it('come over when the old card turns up, and can be spent there no more', async () => {
    const moved = await replaced('honest', 700);
    const { old, next, before } = moved;
    expect(await renewalOf(before), 'nobody has brought it').not.to.have.property('balance');
    expect(await world.products.productStates.ledger(before.serial)).to.include({ platform: 700, equal: true });
    await contact(old);
    const owed = await untilBalance(moved, 'debited');
    expect(owed?.balance).to.deep.equal({ state: 'debited', amount: 700 });
    expect((await spend(old.seat, before, 1)).sw, 'its holder goes shopping').to.equal('9401');
    await contact(next);
    await untilBalance(moved, 'credited');
    await expectMoved(moved);
    expect(await renewalOf(before), 'looked for no more').not.to.have.property('clearAt');
    await contact(old);
    const agreed = await world.products.renewals.agree(before.instanceId, {}, 'operator').catch((error) => error);
    expect(agreed).to.include({ code: 'renewal-ended' });
    const told = await world.provider.database
      .selectFrom('audit_log')
      .select('details')
      .where('act', '=', 'move balance')
      .where('subject', '=', before.instanceId)
      .execute();
    expect(told.map(({ details }) => JSON.parse(details).amount)).to.deep.equal(['700']);
  });

  it('are taken off once when the answer of the debit is lost', async () => {
    const moved = await replaced('lost-answer', 41);
    lie('DEBIT FOR PURCHASE', () => ({ data: '', sw: '9302' }));
    bring(moved.next);
    await contact(moved.old);
    await untilBalance(moved, 'credited');
    await expectMoved(moved);
  });

  it('are taken off when the debit did not reach the card at first', async () => {
    const moved = await replaced('kept-back', 42);
    let kept = 1;
    world.between.beforeTrip = async (commands, seat) => {
      if (commands.some(({ label }) => label === 'DEBIT FOR PURCHASE') && kept-- > 0) await seat.card.reset();
    };
    bring(moved.next);
    await contact(moved.old);
    await untilBalance(moved, 'credited');
    expect(kept).to.be.below(1);
    await expectMoved(moved);
  });

  it('are owed to nobody while the proof of the debit is kept back, nor given back to an empty purse', async () => {
    const moved = await replaced('no-proof', 43);
    lie('DEBIT FOR PURCHASE', () => ({ data: '', sw: '9302' }));
    lie('GET TRANSACTION PROOF', () => ({ data: '', sw: '9406' }));
    bring(moved.next);
    await contact(moved.old);
    const tries = () =>
      world.provider.database
        .selectFrom('renewals')
        .select('clear_tries')
        .where('instance_id', '=', moved.before.instanceId)
        .executeTakeFirstOrThrow();
    await until('a flow that failed', tries, ({ clear_tries: count }) => count > 0);
    expect((await renewalOf(moved.before))?.balance).to.deep.equal({ state: 'debiting', amount: total });
    expect(await world.products.ledger(moved.next, moved.after.serial)).to.include({ platform: 0, loads: 0 });
    delete world.between.answers;
    await untilBalance(moved, 'credited');
    await expectMoved(moved);
  });

  it('are what is left when the holder spends between the reading and the debit', async () => {
    const moved = await replaced('spender', 100);
    const purchases: NonNullable<Awaited<ReturnType<typeof spend>>['purchase']>[] = [];
    world.between.beforeTrip = async (commands, seat) => {
      if (purchases.length > 0 || !commands.some(({ label }) => label === 'INITIALIZE FOR PURCHASE')) return;
      const { purchase } = await spend(seat, moved.before, 30);
      if (purchase !== undefined) purchases.push(purchase);
    };
    bring(moved.next);
    await contact(moved.old);
    await untilBalance(moved, 'credited');
    for (const purchase of purchases) await world.products.productStates.collect(purchase);
    total -= 30;
    await expectMoved(moved, 30);
  });

  it('are paid once when a credit broke and the user’s own top-up settled it', async () => {
    const moved = await replaced('broken-credit', 55);
    const { old, next, after } = moved;
    await contact(old);
    await untilBalance(moved, 'debited');
    here.clear();
    // Credited, and neither its TAC nor a proof or a query comes back: the flow gives up with its load open.
    lie('CREDIT FOR LOAD', () => ({ data: '', sw: '9302' }));
    lie('GET TRANSACTION PROOF', () => ({ data: '', sw: '6F00' }));
    let credits = 0;
    world.between.beforeTrip = async (commands) => {
      if (commands.some(({ label }) => label === 'CREDIT FOR LOAD')) credits += 1;
      else if (credits > 0) throw new TransportError('card-gone', 'the card was pulled');
    };
    await contact(next);
    const open = () => world.products.productStates.ledger(after.serial);
    await until('an open load', open, (ledger) => ledger.open === 1);
    const ended = await world.products.renewals.end(moved.before.instanceId, 'operator').catch((error) => error);
    expect(ended, 'not to be paid out while it is open').to.include({ code: 'load-open' });
    for (const name of ['answers', 'beforeTrip'] as const) delete world.between[name];
    expect((await world.products.topUp(next, 5)).outcome).to.equal('credited');
    total += 5;
    await untilBalance(moved, 'credited');
    const ledger = await world.products.ledger(next, after.serial);
    expect(ledger, JSON.stringify(ledger)).to.include({ platform: total, loads: 2, open: 0, equal: true });
  });

  it('stay where they are at a front’s word, whoever it says has both cards', async () => {
    const old = held;
    const instance = await instanceOf(world, old);
    const { card: mine } = await insertWithPurse(world, 'moved-front');
    await replace(old, mine);
    await until(
      'taken',
      () => renewalOf(instance),
      (seen) => seen?.state === 'taken',
    );
    bring(old, mine);
    const asked = { serviceId: world.products.product.productId, cards: [old.cardId, mine.cardId] };
    await world.products.services.instances.find(asked, 'urn:opentsm:front:a').catch(() => {});
    await contact(old);
    await contact(mine);
    expect(await renewalOf(instance)).not.to.have.any.keys('clearAt', 'balance');
    // An operator, who has seen both, may.
    await world.products.renewals.agree(instance.instanceId, {}, 'operator');
    await until(
      'credited',
      () => renewalOf(instance),
      (seen) => seen?.balance?.state === 'credited',
    );
    expect(await world.products.ledger(mine, (await instanceOf(world, mine)).serial)).to.include({ platform: total });
  });
});

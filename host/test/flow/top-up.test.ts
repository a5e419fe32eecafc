// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import { purseMac, purseTac } from '../../kms/purse-cryptograms.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { INSTANCE_STATE, type ServiceInstance } from '../../wire/message/platform.ts';
import type { Purchase } from '../../wire/message/purse.ts';
import { datedMacData, purchaseTacData } from '../../wire/purse/transaction.ts';
import { encodeAmount, TRANSACTION } from '../../wire/purse/values.ts';
import type { InProcess, Seat } from './in-process.ts';
import { PURSE_AID } from './product-world.ts';
import { instanceOf, sharedProducts } from './shared-products.ts';

/** A purse on one card, from its deployment to the loss report, by the real code of both platforms and of the card. */
describe('products on a card', function () {
  this.timeout(240_000);
  let world: InProcess;
  let card: Awaited<ReturnType<InProcess['insertMade']>>;
  let instance: ServiceInstance;

  before(async () => {
    world = await sharedProducts();
    card = await world.insertMade('top-up');
    expect((await world.distribute('top-up')).outcome).to.equal('distributed');
  });

  const ledger = () => world.products.ledger(card, instance.serial);

  it('are deployed into the domain of their provider: loaded, installed, handed over, personalised', async () => {
    const state = await world.products.deploy('top-up');
    expect(JSON.stringify(state.problem)).to.equal(undefined);
    instance = await instanceOf(world, card);
    expect([instance.state, instance.productState]).to.deep.equal([INSTANCE_STATE.OPERATIONAL, 'VALID']);
    // Two of them are what the card says of its load file before LOAD leaves.
    expect(state.steps.filter(({ apdus }) => apdus > 0).reduce((sum, step) => sum + step.roundTrips, 0)).to.be.at.most(
      10,
    );
  });

  it('are deployed once: a second time finds all of it on the card', async () => {
    const state = await world.products.deploy('top-up');
    expect(JSON.stringify(state.problem)).to.equal(undefined);
    const commands = state.steps.flatMap((step) => step.commands).filter((text) => /^(LOAD|INSTALL|STORE)/.test(text));
    expect(commands).to.deep.equal([]);
  });

  it('are topped up in two round trips, with a TAC that verifies', async () => {
    const state = await world.products.topUp(card, 5_000);
    expect(JSON.stringify(state.problem)).to.equal(undefined);
    expect([state.outcome, state.balanceBefore, state.balanceAfter, state.tacVerified]).to.deep.equal([
      ...['credited', 0, 5_000, true],
    ]);
    expect(state.steps.reduce((sum, step) => sum + step.roundTrips, 0)).to.equal(2);
    expect(await ledger()).to.include({ platform: 5_000, loads: 1, open: 0, equal: true });
  });

  it('are paid once for one key, however often it is asked', async () => {
    const [one, two] = await Promise.all([
      world.products.topUp(card, 700, 'the-same-top-up'),
      world.products.topUp(card, 700, 'the-same-top-up'),
    ]);
    expect(two).to.deep.equal(one);
    expect(await world.products.topUp(card, 700, 'the-same-top-up')).to.include({ outcome: 'credited' });
    expect(await ledger()).to.include({ platform: 5_700, loads: 2, equal: true });
  });

  it('are topped up two at a time, one after the other', async () => {
    const [one, two] = await Promise.all([world.products.topUp(card, 100), world.products.topUp(card, 200)]);
    expect([one.outcome, two.outcome], JSON.stringify([one.problem, two.problem])).to.deep.equal([
      'credited',
      'credited',
    ]);
    expect(await ledger()).to.include({ platform: 6_000, loads: 4, open: 0, equal: true });
  });

  it('refuse a load over the limit of the purse, and nothing is booked', async () => {
    const state = await world.products.topUp(card, 100_000);
    expect([state.outcome, state.problem?.type]).to.deep.equal(['refused', 'urn:opentsm:problem:purse-limit']);
    expect(state.problem?.status).to.equal(409);
    expect(await ledger()).to.include({ platform: 6_000, loads: 4, open: 0, equal: true });
  });

  it('are not loaded any more once a loss report was answered, and again once the card is found', async () => {
    const report = await world.products.reportLoss(card.cardId);
    expect([report.state, report.productIds]).to.deep.equal(['open', ['transit']]);
    const refused = await world.products.topUp(card, 1);
    expect([refused.outcome, refused.problem?.type]).to.deep.equal([
      'refused',
      'urn:opentsm:problem:product-not-valid',
    ]);
    await world.products.synchronised(report.id);
    const suspended = await instanceOf(world, card);
    expect([suspended.state, suspended.productState]).to.deep.equal([INSTANCE_STATE.SUSPENDED, 'INVALID']);
    await world.products.products.closeLossReport(report.id, 'front');
    await world.products.synchronised(report.id);
    const state = await world.products.topUp(card, 1);
    expect([state.outcome, state.balanceAfter]).to.deep.equal(['credited', 6_001]);
    expect(await ledger()).to.include({ platform: 6_001, equal: true });
  });

  it('are spent off line, and the books follow when the terminal brings its record', async () => {
    const bought = await buy(world, card.seat, instance.serial, 1_001);
    expect(await ledger()).to.include({ platform: 6_001, purchases: 0, equal: false });
    const { productStates } = world.products;
    await productStates.collect(bought);
    await productStates.collect(bought);
    expect(await ledger()).to.include({ platform: 5_000, purchases: 1_001, equal: true });
    const refusal = async (changes: object) =>
      ((await productStates.collect({ ...bought, ...changes }).catch((error: unknown) => error)) as { code?: string })
        .code;
    expect(await refusal({ amount: 1_000 })).to.equal('purse-tac');
    expect(await refusal({ serial: '0000000000000000' })).to.equal('no-such-purse');
    expect(await refusal({ productId: 'other' })).to.equal('no-such-purse');
    expect(await ledger()).to.include({ platform: 5_000, equal: true });
  });

  it('are spent with records of compound applications too, whose TAC is of a type of its own', async () => {
    const { productStates } = world.products;
    const facts = { amount: 1, terminal: '0A0B0C0D0E0F', terminalCounter: 8, dateTime: '20261126120000' };
    const { serial } = instance;
    const tac = await world.provider.keys.purseKeys.withCardKeys('purse transit', serial, (algorithm, keys) => {
      const data = purchaseTacData({ ...facts, type: 0x09 }, facts.terminalCounter, facts.dateTime);
      return toHex(purseTac(algorithm, keys.tac.expose(), data));
    });
    const brought = { ...facts, productId: 'transit', serial, tac };
    const refused = (await productStates.collect(brought).catch((error: unknown) => error)) as { code?: string };
    expect(refused.code).to.equal('purse-tac');
    await productStates.collect({ ...brought, compound: true });
    expect((await productStates.ledger(serial)).purchases).to.equal(1_002);
  });

  it('leave no key of the purse in either database', async () => {
    const texts = [await dump(world.provider.database), await dump(world.issuer.database)];
    await world.provider.keys.purseKeys.withCardKeys('purse transit', instance.serial, (_algorithm, keys) => {
      for (const key of Object.values(keys)) for (const text of texts) expect(text).not.to.include(toHex(key.expose()));
    });
    expect(texts[0]).to.include(instance.serial);
  });
});

/** A purchase at a terminal that holds the purchase key: what its record says. */
async function buy(world: InProcess, { card }: Seat, serial: string, amount: number): Promise<Purchase> {
  const facts = { type: TRANSACTION.purchasePurse, amount, terminal: '0A0B0C0D0E0F' };
  const [dateTime, terminalCounter] = ['20261126120000', 7];
  const send = async (apdu: string) => toHex(await card.transmit(fromHex(apdu)));
  await card.reset();
  await send(`00A404000A${PURSE_AID}00`);
  const opened = await send(`805001020B01${toHex(encodeAmount(amount))}${facts.terminal}0F`);
  const session = { random: fromHex(opened.slice(22, 30)), counter: Number.parseInt(opened.slice(8, 12), 16) };
  const mac1 = await world.provider.keys.purseKeys.withCardKeys('purse transit', serial, (algorithm, { purchase }) =>
    toHex(
      purseMac(
        algorithm,
        purchase.expose(),
        { ...session, type: facts.type, terminalCounter },
        datedMacData(facts, dateTime),
      ),
    ),
  );
  const done = await send(`805401000F${toHex(encodeAmount(terminalCounter))}${dateTime}${mac1}08`);
  expect(done.slice(-4)).to.equal('9000');
  return {
    productId: 'transit',
    serial,
    amount,
    terminal: facts.terminal,
    terminalCounter,
    dateTime,
    tac: done.slice(0, 8),
  };
}

/** Every row of every table, as text in upper case. */
async function dump<T>(database: Kysely<T>): Promise<string> {
  const tables = await sql<{ name: string }>`
    SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'`.execute(database);
  const rows: unknown[] = [];
  for (const { name } of tables.rows)
    rows.push(...(await sql`SELECT * FROM ${sql.table(name)}`.execute(database)).rows);
  return JSON.stringify(rows).toUpperCase();
}

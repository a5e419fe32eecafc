// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { SecureElements } from '../../service/issuer/secure-elements.ts';
import { AuditLog } from '../../store/audit-log.ts';
import { openDatabase } from '../../store/database.ts';
import { recordCardProduct } from '../../store/issuer/card-arrivals.ts';
import {
  closeLossReport,
  findLossReport,
  moveStatement,
  openLossReport,
  putProduct,
  takePermit,
} from '../../store/issuer/card-products.ts';
import { findCardInService, putCard } from '../../store/issuer/cards.ts';
import { type Deliver, deliverNext } from '../../store/issuer/outbox.ts';
import { putProvider } from '../../store/issuer/providers.ts';
import { ISSUER_MIGRATIONS, type IssuerTables } from '../../store/issuer/schema.ts';
import { forgetSeen, recordRead, recordSeen } from '../../store/issuer/seen-registry.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { ProductState } from '../../wire/message/platform.ts';
import type { SecureElementState } from '../../wire/message/secure-elements.ts';
import { TestDatabase } from '../ota/fixture.ts';
import { freshIccid } from './card-fixture.ts';

const STATES: readonly SecureElementState[] = ['NEW', 'ACTIVE', 'BLOCKED', 'REPLACED', 'RETIRED'];
/** The moves as the page of the mission has them, apart from the code. */
const MOVES = new Set([
  ...['NEW ACTIVE', 'NEW RETIRED', 'ACTIVE BLOCKED', 'ACTIVE REPLACED', 'ACTIVE RETIRED'],
  ...['BLOCKED ACTIVE', 'BLOCKED REPLACED', 'BLOCKED RETIRED', 'REPLACED RETIRED'],
]);
const rejection = (act: Promise<unknown>): Promise<unknown> =>
  act.then(
    () => undefined,
    (error: unknown) => error,
  );

interface PlanNode {
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Join Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

const rowsOf = (node: PlanNode): number =>
  (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Join Filter'] ?? 0)) *
    node['Actual Loops'] +
  (node.Plans ?? []).reduce((sum, plan) => sum + rowsOf(plan), 0);

/** Rows that the parts of a statement's plan handled in all; the statement itself is taken back. */
async function rowsRead(database: Kysely<IssuerTables>, statement: RawBuilder<unknown>): Promise<number> {
  const transaction = await database.startTransaction().execute();
  try {
    const explain = sql<{ 'QUERY PLAN': readonly { readonly Plan: PlanNode }[] }>`
      EXPLAIN (ANALYZE, FORMAT JSON) ${statement}`;
    const { rows } = await explain.execute(transaction);
    return (rows[0]?.['QUERY PLAN'] ?? []).reduce((sum, { Plan }) => sum + rowsOf(Plan), 0);
  } finally {
    await transaction.rollback().execute();
  }
}

describe('secure elements', function () {
  this.timeout(120_000);
  let server: TestDatabase;
  let database: Kysely<IssuerTables>;
  let elements: SecureElements;
  let rung = 0;

  before(async () => {
    server = await TestDatabase.start();
    database = await openDatabase({ url: await server.server.createDatabase('issuer'), migrations: ISSUER_MIGRATIONS });
    elements = new SecureElements(database, new AuditLog(database), () => {
      rung += 1;
    });
    await putProvider(database, { providerId: 'a', baseUrl: 'https://a', permissions: [], aids: [] });
    await putProduct(database, 'purse', 'a');
  });
  after(async () => {
    await database?.destroy();
    await server?.[Symbol.asyncDispose]();
  });

  async function newCard(state: SecureElementState = 'ACTIVE') {
    const cardId: CardId = { kind: 'iccid', value: freshIccid() };
    const isdKeySet = { profile: 'uicc', keySet: 'k', derivation: 'none', keyVersion: '00' } as const;
    await putCard(database, { cardId, isdAid: 'A000000151000000', isdKeySet });
    await database.updateTable('cards').set({ state }).where('card', '=', `iccid:${cardId.value}`).execute();
    await recordCardProduct(database, cardId, 'purse');
    return { cardId, name: cardId.value, card: `iccid:${cardId.value}` };
  }

  const changesOf = (card: string) =>
    database.selectFrom('outbox').selectAll().where('card', '=', card).orderBy('sequence').execute();
  async function productOf(card: string): Promise<ProductState> {
    const row = await database
      .selectFrom('card_products')
      .select('state')
      .where('card', '=', card)
      .executeTakeFirstOrThrow();
    return row.state;
  }

  it('make only their legal moves, and products and providers follow', async () => {
    const act = fc.oneof(
      fc.constantFrom(...STATES).map((to) => ({ to })),
      fc.constant('lose' as const),
      fc.constant('find' as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('NEW', 'ACTIVE'), fc.array(act, { maxLength: 12 }), async (first, acts) => {
        const { cardId, name, card } = await newCard(first);
        let state: SecureElementState = first;
        let product: ProductState = 'VALID';
        const reports: string[] = [];
        for (const [index, each] of acts.entries()) {
          if (each === 'lose') {
            const id = `${card}-${index}`;
            await openLossReport(database, { id, cardId, reason: 'lost', reportedBy: 'u' });
            reports.push(id);
            if (product !== 'TERMINATED') product = 'INVALID';
          } else if (each === 'find') {
            const id = reports.pop();
            if (id === undefined) continue;
            await closeLossReport(database, id);
            if (reports.length === 0 && product !== 'TERMINATED') product = state === 'BLOCKED' ? 'SUSPENDED' : 'VALID';
          } else {
            const legal = each.to === state || MOVES.has(`${state} ${each.to}`);
            const error = await rejection(elements.move(name, { state: each.to }, 'o'));
            if (!legal) expect(error).to.include({ code: 'secure-element-state' });
            else expect(error).to.equal(undefined);
            if (!legal || each.to === state) continue;
            state = each.to;
            if (state === 'BLOCKED' && product === 'VALID') product = 'SUSPENDED';
            if (state === 'ACTIVE' && product === 'SUSPENDED') product = 'VALID';
            if (state === 'REPLACED' || state === 'RETIRED') product = 'TERMINATED';
          }
          expect([(await elements.find(name)).state, await productOf(card)]).to.deep.equal([state, product]);
        }
        // Providers hear every change of the product, each where the one before it ended.
        const changes = await changesOf(card);
        expect(changes.map(({ sequence }) => sequence)).to.deep.equal(changes.map((_, index) => index + 1));
        expect(changes.map(({ from_state: from }) => from)).to.deep.equal(
          changes.map((_, index) => (index === 0 ? 'VALID' : changes[index - 1]?.to_state)),
        );
        expect(changes.at(-1)?.to_state ?? 'VALID').to.equal(product);
      }),
      { numRuns: soakRuns(30) },
    );
    expect(rung).to.be.greaterThan(0);
  });

  it('are touched by no flow and loaded by no provider unless they are in service', async () => {
    const { cardId, name, card } = await newCard();
    const permit = { permitId: 'p-0001', cardId, productId: 'purse', validMs: 1_000 };
    expect(await findCardInService(database, cardId)).to.not.equal(undefined);
    for (const state of ['BLOCKED', 'REPLACED', 'RETIRED'] as const) {
      await elements.move(name, { state }, 'o');
      expect(await rejection(findCardInService(database, cardId))).to.include({ code: 'card-not-in-service' });
      expect(await rejection(takePermit(database, permit))).to.include({ code: 'product-not-valid' });
    }
    expect(await findCardInService(database, { kind: 'iccid', value: '1'.repeat(20) })).to.equal(undefined);
    // Whatever the product says: what counts is the card.
    await database.updateTable('card_products').set({ state: 'VALID' }).where('card', '=', card).execute();
    expect(await rejection(takePermit(database, permit))).to.include({ code: 'card-not-in-service' });
  });

  it('take what comes onto them late as they are: reported by name or wholly, blocked, or in use', async () => {
    const { cardId, name, card } = await newCard();
    const state = (product: string) =>
      database.selectFrom('card_products').select('state').where('card', '=', card).where('product_id', '=', product);
    const come = async (product: string) => {
      await putProduct(database, product, 'a');
      const told = await recordCardProduct(database, cardId, product);
      expect((await state(product).executeTakeFirstOrThrow()).state).to.equal(told);
      return told;
    };
    const lose = (id: string, productIds?: string[]) =>
      openLossReport(database, {
        id,
        cardId,
        reason: 'lost',
        reportedBy: 'u',
        ...(productIds === undefined ? {} : { productIds }),
      });
    await lose(`${card} purse`, ['purse']);
    expect(await come('late-1'), 'another product was reported').to.equal('VALID');
    await lose(`${card} all`);
    expect(await come('late-2')).to.equal('INVALID');
    expect((await findLossReport(database, `${card} all`, () => cardId))?.productIds).to.include('late-2');
    await elements.move(name, { state: 'BLOCKED' }, 'o');
    await closeLossReport(database, `${card} all`);
    expect((await state('late-2').executeTakeFirstOrThrow()).state).to.equal('SUSPENDED');
    expect(await come('late-3')).to.equal('SUSPENDED');
    const changes = await changesOf(card);
    expect(changes.map(({ sequence }) => sequence)).to.deep.equal(changes.map((_, index) => index + 1));
    expect(changes.filter(({ product_id: id }) => id === 'late-3')).to.have.length(1);
    await elements.move(name, { state: 'ACTIVE' }, 'o');
    expect((await state('late-3').executeTakeFirstOrThrow()).state).to.equal('VALID');
  });

  it('name the one that takes their place, which must be there', async () => {
    const { name } = await newCard();
    const { cardId: next } = await newCard();
    const gone: CardId = { kind: 'iccid', value: '2'.repeat(20) };
    const act = (state: SecureElementState, replacedBy: CardId) => elements.move(name, { state, replacedBy }, 'o');
    expect(await rejection(act('BLOCKED', next))).to.include({ name: 'LifeCycleError', code: 'replaced-by' });
    expect(await rejection(act('REPLACED', gone))).to.include({ code: 'card-unknown' });
    const { cardId: retired } = await newCard('RETIRED');
    for (const wrong of [{ kind: 'iccid', value: name } as const, retired])
      expect(await rejection(act('REPLACED', wrong))).to.include({ name: 'LifeCycleError', code: 'replaced-by' });
    expect((await elements.find(name)).state).to.equal('ACTIVE');
    expect(await act('REPLACED', next)).to.deep.include({ state: 'REPLACED', replacedBy: next });
  });

  it('keep attributes of a product that two operators cannot both change', async () => {
    const { name } = await newCard();
    const put = (version: number, colour: string) =>
      rejection(elements.putAttributes(name, 'purse', { version, attributes: { colour } }, 'o'));
    const raced = await Promise.all([put(0, 'red'), put(0, 'blue')]);
    expect(raced.filter((error) => error === undefined)).to.have.length(1);
    expect(raced.find((error) => error !== undefined)).to.include({ code: 'attributes-changed' });
    expect(await put(1, 'green')).to.equal(undefined);
    expect(await elements.attributes(name, 'purse')).to.deep.equal({ version: 2, attributes: { colour: 'green' } });
    expect(await rejection(elements.attributes(name, 'nothing'))).to.include({ code: 'product-not-on-card' });
  });

  it('have a registry as last seen: what is told again is new, what a whole look misses is gone', async () => {
    const { cardId, name } = await newCard();
    expect(await elements.registry(name)).to.deep.equal({ cardId, entries: [] });
    expect(await rejection(elements.registry('8986009999999999999'))).to.include({ code: 'card-unknown' });
    const one = { kind: 'application', aid: 'A0000000010101' } as const;
    await recordSeen(database, cardId, [
      { ...one, securityDomain: 'A00000000199' },
      { ...one, kind: 'load-file' },
    ]);
    await recordSeen(database, cardId, [{ ...one, lifeCycle: 7 }]);
    const aids = async () => (await elements.registry(name)).entries.map(({ kind, aid }) => `${kind} ${aid}`);
    const [first] = (await elements.registry(name)).entries;
    expect(first).to.deep.include({ ...one, lifeCycle: 7, securityDomain: 'A00000000199' });
    const two = { ...one, aid: 'A0000000010102', lifeCycle: 15 };
    await recordRead(database, cardId, { entries: [two], complete: false });
    expect(await aids()).to.deep.equal([`application ${one.aid}`, `application ${two.aid}`, `load-file ${one.aid}`]);
    expect(await elements.registry(name)).not.to.have.any.keys('readAt', 'memory');
    await recordRead(database, cardId, { entries: [two], complete: true, memory: { persistent: 1_000 } });
    expect(await aids()).to.deep.equal([`application ${two.aid}`, `load-file ${one.aid}`]);
    const { readAt, memory } = await elements.registry(name);
    expect([typeof readAt, memory?.persistent, memory?.seenAt]).to.deep.equal(['string', 1_000, readAt]);
    await forgetSeen(database, cardId, [{ kind: 'load-file', aid: one.aid }]);
    expect(await aids()).to.deep.equal([`application ${two.aid}`]);
  });

  it('with thousands of products are reported lost as one, and their provider hears of each in order', async () => {
    const { cardId, card } = await newCard();
    const COUNT = 3_000;
    // What the planner knows is from a time when cards had one product.
    await sql`ANALYZE products`.execute(database);
    await sql`ANALYZE card_products`.execute(database);
    await sql`INSERT INTO products SELECT 'many' || n, 'a' FROM generate_series(2, ${COUNT}::int) n`.execute(database);
    await sql`
      INSERT INTO card_products (card, product_id, state)
      SELECT ${card}, product_id, 'VALID' FROM products WHERE product_id LIKE 'many%'
      ON CONFLICT DO NOTHING`.execute(database);
    const many = Array.from({ length: COUNT - 1 }, (_, index) => `many${index + 2}`);
    expect(await rowsRead(database, moveStatement(card, many, 'INVALID')), 'rows').to.be.below(COUNT * 20);
    await openLossReport(database, { id: 'many', cardId, reason: 'lost', reportedBy: 'u' });
    const report = await findLossReport(database, 'many', () => cardId);
    expect([report?.productIds.length, report?.synchronised]).to.deep.equal([COUNT, false]);
    const changes = await changesOf(card);
    expect(changes.map(({ sequence }) => sequence)).to.deep.equal(
      Array.from({ length: COUNT }, (_, index) => index + 1),
    );
    expect(new Set(changes.map(({ from_state: from, to_state: to }) => `${from} ${to}`))).to.deep.equal(
      new Set(['VALID INVALID']),
    );
    await database.updateTable('outbox').set({ delivered_at: new Date() }).where('card', '<>', card).execute();
    const told: number[] = [];
    const REFUSED = 100;
    let refusals = 0;
    const deliver: Deliver = {
      change: async ({ sequence }) => {
        if (sequence === REFUSED && refusals === 0) {
          refusals += 1;
          return false;
        }
        told.push(sequence);
        return true;
      },
      states: async () => expect.fail('nobody asked for all states'),
    };
    while ((await deliverNext(database, 'a', deliver)) === true);
    expect(told.at(-1)).to.equal(REFUSED - 1);
    expect(await deliverNext(database, 'a', deliver), 'the first that was refused keeps the rest').to.equal(undefined);
    await sql`UPDATE outbox SET next_at = now() WHERE card = ${card}`.execute(database);
    while ((await deliverNext(database, 'a', deliver)) === true);
    expect(told).to.deep.equal(Array.from({ length: COUNT }, (_, index) => index + 1));
    expect((await findLossReport(database, 'many', () => cardId))?.synchronised).to.equal(true);
  });
});

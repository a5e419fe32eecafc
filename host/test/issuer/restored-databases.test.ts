// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import { ProductStates } from '../../service/provider/product-states.ts';
import { AuditLog } from '../../store/audit-log.ts';
import { openDatabase } from '../../store/database.ts';
import { recordCardProduct } from '../../store/issuer/card-arrivals.ts';
import { closeLossReport, openLossReport, putProduct } from '../../store/issuer/card-products.ts';
import { putCard } from '../../store/issuer/cards.ts';
import { type Deliver, type Delivered, deliverNext, listWaiting } from '../../store/issuer/outbox.ts';
import { putProvider } from '../../store/issuer/providers.ts';
import { ISSUER_MIGRATIONS, type IssuerTables } from '../../store/issuer/schema.ts';
import { PROVIDER_MIGRATIONS, type ProviderTables } from '../../store/provider/schema.ts';
import { findInstance, provideInstance, recordDeployed } from '../../store/provider/service-instances.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { ProductStateSnapshot } from '../../wire/message/platform.ts';
import { TestDatabase } from '../ota/fixture.ts';
import { freshIccid } from './card-fixture.ts';

/** What a change of a product writes, each table behind those that it refers to. */
const ISSUERS = ['card_products', 'loss_reports', 'loss_report_products', 'outbox'];
const PROVIDERS = ['service_instances', 'state_change_sequences', 'state_changes_taken'];

type Dump = readonly (readonly [table: string, rows: string])[];

async function dump<T>(database: Kysely<T>, tables: readonly string[]): Promise<Dump> {
  const rowsOf = async (table: string) => {
    const { rows } = await sql<{ all: unknown }>`
      SELECT coalesce(json_agg(part), '[]') AS all FROM ${sql.table(table)} part`.execute(database);
    return [table, JSON.stringify(rows[0]?.all)] as const;
  };
  return Promise.all(tables.map(rowsOf));
}

async function restore<T>(database: Kysely<T>, before: Dump): Promise<void> {
  for (const [table] of before.toReversed()) await sql`DELETE FROM ${sql.table(table)}`.execute(database);
  for (const [table, rows] of before)
    await sql`
      INSERT INTO ${sql.table(table)} SELECT * FROM json_populate_recordset(null::${sql.table(table)}, ${rows}::json)
    `.execute(database);
}

/** Issuer and provider have a database each; one of them is put back to what it was. */
describe('states of products after one database was restored alone', function () {
  this.timeout(120_000);
  let server: TestDatabase;
  let issuer: Kysely<IssuerTables>;
  let provider: Kysely<ProviderTables>;
  let states: ProductStates;
  let cardId: CardId;
  let snapshots: string[] = [];
  let told: ProductStateSnapshot | undefined;

  before(async () => {
    server = await TestDatabase.start();
    const url = (name: string) => server.server.createDatabase(name);
    issuer = await openDatabase({ url: await url('issuer'), migrations: ISSUER_MIGRATIONS });
    provider = await openDatabase({ url: await url('provider'), migrations: PROVIDER_MIGRATIONS });
    states = new ProductStates(provider, new AuditLog(provider), 'issuer', {
      kms: { verifyPurchase: async () => ({ verified: false }) },
      products: [],
    });
    await putProvider(issuer, { providerId: 'a', baseUrl: 'https://a', permissions: [], aids: [] });
    for (const product of ['one', 'two']) await putProduct(issuer, product, 'a');
  });
  after(async () => {
    await issuer?.destroy();
    await provider?.destroy();
    await server?.[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    snapshots = [];
    cardId = { kind: 'iccid', value: freshIccid() };
    const isdKeySet = { profile: 'uicc', keySet: 'k', derivation: 'none', keyVersion: '00' } as const;
    await putCard(issuer, { cardId, isdAid: 'A000000151000000', isdKeySet });
    for (const productId of ['one', 'two']) {
      await recordCardProduct(issuer, cardId, productId);
      const instanceId = `${productId} ${cardId.value}`;
      await provideInstance(provider, { productId, cardId, instanceId, serial: instanceId });
      await recordDeployed(provider, instanceId);
    }
  });

  const heard = async (act: Promise<void>): Promise<Delivered> => {
    try {
      await act;
      return true;
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === 'sequence-gap' || code === 'other-history') return code;
      throw error;
    }
  };
  const deliver: Deliver = {
    change: (change) => heard(states.change(change, 'issuer')),
    states: async (card, snapshot) => {
      snapshots.push(snapshot.reason);
      told = snapshot;
      return (await heard(states.put(card, snapshot, 'issuer'))) === true;
    },
  };
  /** All that waits is handed on. */
  const handOn = async () => {
    while ((await deliverNext(issuer, 'a', deliver)) === true);
    expect(await listWaiting(issuer)).to.deep.equal([]);
  };
  const lose = async (id: string, ...productIds: string[]) => {
    const report = { id: `${id} ${cardId.value}`, cardId, reason: 'lost', reportedBy: 'u' };
    await openLossReport(issuer, { ...report, ...(productIds.length === 0 ? {} : { productIds }) });
  };
  const find = (id: string) => closeLossReport(issuer, `${id} ${cardId.value}`);
  const known = async () =>
    Promise.all(['one', 'two'].map(async (id) => (await findInstance(provider, id, cardId))?.productState));

  it('arrive at a provider that has missed some: it is told all of them, and goes on from there', async () => {
    await lose('first', 'one');
    await handOn();
    const old = await dump(provider, PROVIDERS);
    await find('first');
    await lose('second', 'two');
    await handOn();
    expect(await known()).to.deep.equal(['VALID', 'INVALID']);
    await restore(provider, old);
    expect(await known()).to.deep.equal(['INVALID', 'VALID']);
    await lose('third', 'one');
    await handOn();
    expect(snapshots).to.deep.equal(['sequence-gap']);
    expect(await known()).to.deep.equal(['INVALID', 'INVALID']);
    await find('third');
    await find('second');
    await handOn();
    expect([await known(), snapshots.length]).to.deep.equal([['VALID', 'VALID'], 1]);
  });

  it('arrive from an issuer that has forgotten some: under numbers that the provider knows, and others', async () => {
    const old = await dump(issuer, ISSUERS);
    await lose('forgotten', 'one');
    await lose('found', 'two');
    await find('found');
    await handOn();
    await restore(issuer, old);
    await lose('new', 'two');
    await handOn();
    expect(snapshots).to.deep.equal(['other-history']);
    // What the issuer has forgotten is not undone by that: the stricter state stays.
    expect(await known()).to.deep.equal(['INVALID', 'INVALID']);
    await find('new');
    await lose('again', 'one');
    await find('again');
    await handOn();
    expect([await known(), snapshots.length]).to.deep.equal([['VALID', 'VALID'], 1]);
  });

  it('arrive when more has happened meanwhile than was forgotten', async () => {
    const old = await dump(issuer, ISSUERS);
    await lose('forgotten', 'one');
    await find('forgotten');
    await handOn();
    await restore(issuer, old);
    for (const id of ['1', '2', '3']) {
      await lose(id);
      if (id !== '3') await find(id);
    }
    expect((await listWaiting(issuer))[0]).to.include({ providerId: 'a', waiting: 10 });
    await handOn();
    expect([await known(), snapshots]).to.deep.equal([['INVALID', 'INVALID'], ['other-history']]);
    await find('3');
    await handOn();
    expect(await known()).to.deep.equal(['VALID', 'VALID']);
  });

  it('are not set back by what filled a gap and comes once more, behind what came after it', async () => {
    const old = await dump(provider, PROVIDERS);
    await lose('first', 'one');
    await find('first');
    await handOn();
    await restore(provider, old);
    await lose('second', 'two');
    await handOn();
    expect([await known(), snapshots]).to.deep.equal([['VALID', 'INVALID'], ['sequence-gap']]);
    await find('second');
    await lose('third', 'one');
    await handOn();
    // Its first sending was given up for lost, and waited somewhere.
    await states.put(cardId, told ?? expect.fail('there was no gap'), 'issuer');
    expect(await known()).to.deep.equal(['INVALID', 'VALID']);
    await find('third');
    await handOn();
    expect([await known(), snapshots.length]).to.deep.equal([['VALID', 'VALID'], 1]);
  });

  it('arrive from an issuer that is restored twice, the second time to before what it has handed over', async () => {
    const old = await dump(issuer, ISSUERS);
    await lose('forgotten', 'two');
    await handOn();
    await restore(issuer, old);
    for (const id of ['1', '2']) {
      await lose(id, 'two');
      await find(id);
    }
    await handOn();
    await restore(issuer, old);
    await lose('new', 'one');
    await handOn();
    expect(snapshots).to.deep.equal(['other-history', 'other-history']);
    expect(await known()).to.deep.equal(['INVALID', 'INVALID']);
  });

  it('are taken as known when the answer to all of them was lost', async () => {
    const old = await dump(provider, PROVIDERS);
    await lose('first', 'one');
    await handOn();
    await restore(provider, old);
    await find('first');
    await lose('second', 'one');
    const deaf: Deliver = { ...deliver, states: async (card, all) => !(await deliver.states(card, all)) };
    expect(await deliverNext(issuer, 'a', deaf)).to.equal(false);
    await sql`UPDATE outbox SET next_at = now()`.execute(issuer);
    await find('second');
    await handOn();
    expect([await known(), snapshots]).to.deep.equal([['VALID', 'VALID'], ['sequence-gap']]);
  });

  it('are taken once when they come again', async () => {
    await lose('first');
    const twice: Deliver = {
      ...deliver,
      change: async (change) => {
        await states.change(change, 'issuer');
        return heard(states.change(change, 'issuer'));
      },
    };
    while ((await deliverNext(issuer, 'a', twice)) === true);
    expect([await known(), snapshots]).to.deep.equal([['INVALID', 'INVALID'], []]);
  });
});

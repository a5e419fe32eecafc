// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import { type Migration, openDatabase } from '../../store/database.ts';
import { closeLossReport, takePermit } from '../../store/issuer/card-products.ts';
import { ISSUER_MIGRATIONS, type IssuerTables } from '../../store/issuer/schema.ts';
import { OTA_MIGRATIONS } from '../../store/ota/lease-table.ts';
import { PacketTable } from '../../store/ota/packet-table.ts';
import { SubscriptionTable } from '../../store/ota/subscription-table.ts';
import { PROVIDER_MIGRATIONS, type ProviderTables } from '../../store/provider/schema.ts';
import { applyStateChange } from '../../store/provider/state-changes.ts';
import type { CardId } from '../../wire/message/common.ts';
import { TestDatabase } from '../ota/fixture.ts';

/** Cards that releases of before stored with the filler of their ICCID, without it, or both ways. */

const PLAIN = '8986012345678901234';
const ONCE = '8986012345678901259';
const CARD = `iccid:${PLAIN}`;
const FILLED = `${CARD}F`;
const cardId: CardId = { kind: 'iccid', value: PLAIN };

describe('cards that were stored with the filler of their ICCID', function () {
  this.timeout(120_000);
  let server: TestDatabase;
  const open: { destroy(): Promise<void> }[] = [];

  before(async () => {
    server = await TestDatabase.start();
  });
  afterEach(async () => {
    for (const database of open.splice(0)) await database.destroy();
  });
  after(async () => {
    await server?.[Symbol.asyncDispose]();
  });

  /** A database of the release before, filled, then as this release opens it. */
  async function upgraded<T>(
    name: string,
    migrations: readonly Migration[],
    rows: readonly string[],
  ): Promise<Kysely<T>> {
    const url = await server.server.createDatabase(name);
    const upTo = migrations.findIndex((migration) => migration.name === 'ICCIDs without filler');
    expect(upTo).to.be.greaterThan(0);
    const before = await openDatabase<T>({ url, migrations: migrations.slice(0, upTo) });
    for (const row of rows) await sql.raw(row).execute(before);
    await before.destroy();
    const database = await openDatabase<T>({ url, migrations });
    open.push(database);
    return database;
  }

  const issuerWith = (name: string, rows: readonly string[]): Promise<Kysely<IssuerTables>> =>
    upgraded<IssuerTables>(name, ISSUER_MIGRATIONS, [
      "INSERT INTO providers (provider_id, base_url, permissions) VALUES ('a', 'https://a', '{}')",
      "INSERT INTO products VALUES ('purse', 'a'), ('pass', 'a')",
      ...rows,
    ]);
  const card = (name: string, state = 'ACTIVE', replacedBy?: string): string => {
    const successor = replacedBy === undefined ? 'NULL' : `'${replacedBy}'`;
    return `INSERT INTO cards (card, isd_aid, isd_key_set, state, replaced_by)
      VALUES ('${name}', 'A000000151000000', '{}', '${state}', ${successor})`;
  };
  const product = (name: string, state: string, productId = 'purse'): string =>
    `INSERT INTO card_products (card, product_id, state) VALUES ('${name}', '${productId}', '${state}')`;
  const report = (name: string, all: boolean, ...products: string[]): string => `
    INSERT INTO loss_reports (id, card, reason, reported_by, state, all_products)
      VALUES ('r', '${name}', 'lost', 'desk', 'open', ${all});
    INSERT INTO loss_report_products SELECT 'r', unnest('{${products.join()}}'::text[])`;
  const notice = (name: string, sequence: number, to: string, delivered: boolean): string =>
    `INSERT INTO outbox (provider_id, card, sequence, product_id, from_state, to_state, delivered_at)
      VALUES ('a', '${name}', ${sequence}, 'purse', 'VALID', '${to}', ${delivered ? 'now()' : 'NULL'})`;

  const permit = async (database: Kysely<IssuerTables>, productId = 'purse'): Promise<string> => {
    const refused = takePermit(database, { permitId: 'p', cardId, productId, validMs: 1_000 });
    return refused.then(
      () => 'given',
      (error: { code: string }) => error.code,
    );
  };
  const notices = async (database: Kysely<IssuerTables>) => {
    const { rows } = await sql<{ text: string }>`
      SELECT concat_ws(' ', card, sequence, product_id, from_state, to_state) AS text FROM outbox
      WHERE delivered_at IS NULL ORDER BY sequence`.execute(database);
    return rows.map(({ text }) => text);
  };

  it('are lost for the issuer where either name was reported, and may be found again', async () => {
    const database = await issuerWith('reported', [
      ...[card(FILLED), card(CARD), product(CARD, 'VALID'), product(CARD, 'VALID', 'pass')],
      ...[product(FILLED, 'INVALID'), report(FILLED, true, 'purse')],
      ...[notice(CARD, 1, 'VALID', true), notice(FILLED, 1, 'SUSPENDED', true), notice(FILLED, 2, 'INVALID', false)],
    ]);
    expect(await permit(database)).to.equal('product-not-valid');
    expect(await permit(database, 'pass')).to.equal('product-not-valid');
    expect(await notices(database)).to.deep.equal([
      `${CARD} 4 purse VALID INVALID`,
      `${CARD} 5 pass VALID INVALID`,
      `${CARD} 6 purse VALID INVALID`,
    ]);
    await closeLossReport(database, 'r');
    expect([await permit(database), await permit(database, 'pass')]).to.deep.equal(['given', 'given']);
  });

  it('are told lost by a report on the plain name that no provider has taken yet', async () => {
    const database = await issuerWith('plain_waits', [
      ...[card(FILLED), card(CARD), product(CARD, 'INVALID'), report(CARD, true, 'purse')],
      ...[1, 2, 3, 4, 5].map((sequence) => notice(FILLED, sequence, 'VALID', true)),
      ...[notice(CARD, 1, 'SUSPENDED', true), notice(CARD, 2, 'VALID', true), notice(CARD, 3, 'INVALID', false)],
    ]);
    // The provider has 5 as the last number, under either name.
    expect((await notices(database)).at(-1)).to.equal(`${CARD} 11 purse INVALID INVALID`);
  });

  it('are lost where the report knew no product, and those of the plain name alone', async () => {
    const database = await issuerWith('reported_empty', [
      ...[card(FILLED), card(CARD), product(CARD, 'VALID'), report(FILLED, true)],
    ]);
    expect(await permit(database)).to.equal('product-not-valid');
    expect(await notices(database)).to.deep.equal([`${CARD} 1 purse VALID INVALID`]);
  });

  for (const [state, productState, answer] of [
    ['BLOCKED', 'SUSPENDED', 'product-not-valid'],
    ['RETIRED', 'TERMINATED', 'product-not-valid'],
    ['REPLACED', 'TERMINATED', 'product-not-valid'],
    ['NEW', 'VALID', 'given'],
  ] as const) {
    it(`keep the stricter of ${state} and ACTIVE, with their products`, async () => {
      const successor = state === 'REPLACED' ? `iccid:${ONCE}F` : undefined;
      const database = await issuerWith(`stricter_${state.toLowerCase()}`, [
        ...[card(`iccid:${ONCE}F`), card(FILLED, state, successor), card(CARD), product(CARD, 'VALID')],
      ]);
      const { rows } = await sql`SELECT state, replaced_by FROM cards WHERE card = ${CARD}`.execute(database);
      const replaced_by = successor === undefined ? null : `iccid:${ONCE}`;
      expect(rows).to.deep.equal([{ state: state === 'NEW' ? 'ACTIVE' : state, replaced_by }]);
      expect(await permit(database)).to.equal(answer);
      const told = productState === 'VALID' ? [] : [`${CARD} 1 purse VALID ${productState}`];
      expect(await notices(database)).to.deep.equal(told);
    });
  }

  it('have not lost their place to themselves', async () => {
    const database = await issuerWith('by_itself', [
      ...[card(CARD), card(FILLED, 'REPLACED', CARD), product(CARD, 'VALID'), product(FILLED, 'TERMINATED')],
    ]);
    expect(await permit(database)).to.equal('given');
  });

  it('are as they were where they had one name', async () => {
    const database = await issuerWith('one_name', [
      ...[card(FILLED, 'BLOCKED'), product(FILLED, 'SUSPENDED'), notice(FILLED, 7, 'SUSPENDED', false)],
    ]);
    expect(await notices(database)).to.deep.equal([`${CARD} 7 purse VALID SUSPENDED`]);
    const { rows } = await sql`SELECT card, state FROM cards`.execute(database);
    expect(rows).to.deep.equal([{ card: CARD, state: 'BLOCKED' }]);
  });

  it('keep their numbers, counters and packets at the OTA server', async () => {
    const subscription = (name: string, msisdn: string) =>
      `INSERT INTO subscriptions (card, msisdn, since) VALUES ('${name}', '${msisdn}', now())`;
    const counter = (name: string, set: number, count: number) =>
      `INSERT INTO packet_counters VALUES ('${name}', ${set}, ${count})`;
    const database = await upgraded<unknown>('ota', OTA_MIGRATIONS, [
      ...[subscription(`iccid:${ONCE}F`, '431'), subscription(FILLED, '432'), subscription(CARD, '433')],
      ...[counter(FILLED, 1, 40), counter(CARD, 1, 2), counter(FILLED, 2, 3), counter(CARD, 2, 9)],
      counter(`iccid:${ONCE}F`, 1, 5),
      `INSERT INTO sms_packets (id, card, key_set, spi, tar, priority, at, next_at, expires_at, state)
        VALUES ('p', '${FILLED}', 1, '', '', 0, now(), now(), now() + interval '1 day', 'queued')`,
    ]);
    const subscriptions = new SubscriptionTable(database);
    expect((await subscriptions.ofCard(`iccid:${ONCE}`))?.msisdn).to.equal('431');
    expect((await subscriptions.ofCard(CARD))?.msisdn).to.equal('433');
    expect((await subscriptions.history(CARD)).map(({ msisdn }) => msisdn)).to.deep.equal(['433', '432']);
    const { rows } = await sql<{ text: string }>`
      SELECT concat_ws(' ', card, key_set, counter) AS text FROM packet_counters ORDER BY card, key_set`.execute(
      database,
    );
    expect(rows.map(({ text }) => text)).to.deep.equal([`${CARD} 1 40`, `${CARD} 2 9`, `iccid:${ONCE} 1 5`]);
    expect((await new PacketTable(database, 'node').open(CARD)).map(({ id }) => id)).to.deep.equal(['p']);
  });

  it('keep their instances at the provider, the stricter state, and the number of the last change', async () => {
    const instance = (id: string, name: string, state: string, productId = 'purse') =>
      `INSERT INTO service_instances (instance_id, product_id, card, serial, state, product_state)
        VALUES ('${id}', '${productId}', '${name}', '${id}', 21, '${state}')`;
    const database = await upgraded<ProviderTables>('provider', PROVIDER_MIGRATIONS, [
      ...[instance('once', `iccid:${ONCE}F`, 'VALID'), instance('f', FILLED, 'INVALID'), instance('p', CARD, 'VALID')],
      instance('pass', FILLED, 'VALID', 'pass'),
      `INSERT INTO state_change_sequences VALUES ('${FILLED}', 5), ('${CARD}', 2), ('iccid:${ONCE}F', 1)`,
      `INSERT INTO state_changes_taken VALUES ('${FILLED}', 2, '12'), ('${FILLED}', 5, '15'), ('${CARD}', 2, '22')`,
      `INSERT INTO card_claims VALUES ('${FILLED}', 'w')`,
      `INSERT INTO key_distributions (id, terminal_id, reader_name, key_size_bits, state, only_card)
        VALUES ('k', 't', 'r', 2048, 'running', '${FILLED}')`,
      `INSERT INTO renewals (instance_id, product_id, old_card, new_card, suspended, state)
        VALUES ('once', 'purse', 'iccid:${ONCE}F', '${FILLED}', false, 'waiting')`,
    ]);
    const { rows } = await sql<{ text: string }>`
      SELECT concat_ws(' ', instance_id, card, product_state, state) AS text FROM service_instances
      ORDER BY instance_id`.execute(database);
    expect(rows.map(({ text }) => text)).to.deep.equal([
      ...[`f ${FILLED} INVALID 21`, `once iccid:${ONCE} VALID 21`, `p ${CARD} INVALID 22`, `pass ${CARD} VALID 21`],
    ]);
    const one = async (text: string) => (await sql.raw<{ text: string }>(text).execute(database)).rows[0]?.text;
    expect(await one('SELECT card AS text FROM card_claims')).to.equal(CARD);
    expect(await one('SELECT only_card AS text FROM key_distributions')).to.equal(CARD);
    expect(await one("SELECT concat_ws(' ', old_card, new_card) AS text FROM renewals")).to.equal(
      `iccid:${ONCE} ${CARD}`,
    );
    const change = { cardId, productId: 'purse', from: 'INVALID', to: 'VALID' } as const;
    expect(await applyStateChange(database, { ...change, sequence: 5, eventId: '15' })).to.equal(false);
    expect(await applyStateChange(database, { ...change, sequence: 6, eventId: '30' })).to.equal(true);
  });
});

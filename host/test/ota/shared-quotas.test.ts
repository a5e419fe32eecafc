// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import { LimitError } from '../../errors.ts';
import { ProviderQuotas } from '../../service/ota/provider-quotas.ts';
import { openDatabase } from '../../store/database.ts';
import { OTA_MIGRATIONS } from '../../store/ota/lease-table.ts';
import { QuotaTable } from '../../store/ota/quota-table.ts';
import { TestDatabase } from './fixture.ts';

const NODES = ['one/1', 'two/1'];

/** Two nodes that count in one database: a provider has its quota once, wherever it asks. */
describe('quotas over two nodes of ota', () => {
  let server: TestDatabase;
  let database: Kysely<unknown>;

  before(async () => {
    server = await TestDatabase.start();
    const url = await server.server.createDatabase('quotas');
    database = await openDatabase({ url, migrations: OTA_MIGRATIONS });
    for (const node of NODES) await sql`INSERT INTO ota_nodes VALUES (${node}, now())`.execute(database);
  });
  after(async () => {
    await database?.destroy();
    await server[Symbol.asyncDispose]();
  });

  const nodes = (id: string, quota: object) =>
    NODES.map((node) => {
      const bounds = { maxSessions: 8, maxWaiting: 8, requestsPerSecond: 100, ...quota, id };
      return new ProviderQuotas([bounds], { shared: new QuotaTable(database, node) });
    });
  const passes = (work: Promise<unknown>): Promise<boolean> =>
    work.then(
      () => true,
      (error: unknown) => {
        if (error instanceof LimitError) return false;
        throw error;
      },
    );

  it('let a burst of twice the rate pass, and then the rate', async () => {
    const started = performance.now();
    const both = nodes('rate', { requestsPerSecond: 40 });
    const asked = await Promise.all(
      both.flatMap((quotas) => Array.from({ length: 200 }, () => passes(quotas.admit('rate', false)))),
    );
    const earned = Math.ceil(((performance.now() - started) / 1_000) * 40);
    const passed = asked.filter((passed) => passed).length;
    expect(passed).to.be.at.least(80);
    expect(passed).to.be.at.most(80 + earned);
  });

  it('let so many wait, and nobody for a node that is gone', async () => {
    const [one, two] = nodes('waits', { maxWaiting: 2 });
    if (one === undefined || two === undefined) throw new Error('two nodes');
    const waiting = Promise.withResolvers<void>();
    let began = 0;
    const both = Promise.withResolvers<void>();
    const wait = (quotas: ProviderQuotas) =>
      quotas.whileWaiting(
        'waits',
        async (waits) => {
          await waits();
          began += 1;
          if (began === 2) both.resolve();
          return waiting.promise;
        },
        false,
      );
    const first = [wait(one), wait(two)];
    await both.promise;
    const atOnce = async () => undefined;
    expect(await passes(two.whileWaiting('waits', (waits) => waits(), false))).to.equal(false);
    expect(await passes(two.whileWaiting('waits', atOnce, false)), 'its card is free').to.equal(true);
    await sql`DELETE FROM ota_nodes WHERE owner = ${NODES[0]}`.execute(database);
    expect(await passes(two.whileWaiting('waits', (waits) => waits(), false))).to.equal(true);
    waiting.resolve();
    await Promise.all(first);
  });
});

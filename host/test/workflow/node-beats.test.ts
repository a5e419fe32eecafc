// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import { openDatabase } from '../../store/database.ts';
import { NodeBeats } from '../../store/node-beats.ts';
import { WORKFLOWS_SQL } from '../../store/workflows.ts';
import { TestDatabase } from '../ota/fixture.ts';

const DEAD_AFTER_MS = 10_000;

/** Nodes on one database, each with a clock that the test moves. */
describe('heartbeats of nodes', () => {
  let server: TestDatabase;
  let database: Kysely<unknown>;
  let clock = 0;
  before(async () => {
    server = await TestDatabase.start();
    const url = await server.server.createDatabase('beats');
    database = await openDatabase<unknown>({ url, migrations: [{ number: 1, name: 'workflows', sql: WORKFLOWS_SQL }] });
  });
  afterEach(async () => {
    await sql`DELETE FROM workflow_nodes`.execute(database);
  });
  after(async () => {
    await database.destroy();
    await server[Symbol.asyncDispose]();
  });

  const node = (owner: string) =>
    new NodeBeats({
      database,
      owner,
      table: 'workflow_nodes' as const,
      deadAfterMs: DEAD_AFTER_MS,
      now: () => clock,
    });

  it('find a node dead whose beat has stood still, and not before', async () => {
    const [a, b] = [node('a/1'), node('b/1')];
    await b.beat();
    expect(await a.beat()).to.deep.equal({ dead: [], others: 1, wasForgotten: true });
    clock += DEAD_AFTER_MS - 1;
    expect(await a.beat()).to.deep.equal({ dead: [], others: 1, wasForgotten: false });
    clock += 1;
    expect((await a.beat()).dead).to.deep.equal(['b/1']);
    // It was only slow: it learns that it was forgotten, and lives again.
    expect((await b.beat()).wasForgotten).to.equal(true);
    clock += DEAD_AFTER_MS;
    await b.beat();
    expect((await a.beat()).dead).to.deep.equal([]);
  });

  it('are three at a time while none is answered', async () => {
    const one = node('a/1');
    let held: Promise<unknown>[] = [];
    await database.transaction().execute(async (transaction) => {
      await sql`LOCK TABLE workflow_nodes`.execute(transaction);
      held = [1, 2, 3].map(() => one.beat());
      const refused = await one.beat().catch((error: unknown) => error);
      expect(refused).to.deep.include({ code: 'database', context: { sqlState: 'no-answer' } });
    });
    await Promise.all(held);
    await one.beat();
  });

  for (const step of ['1 day', '-1 day']) {
    it(`take nobody for dead when the database's clock is set by ${step}`, async () => {
      const [a, b] = [node('a/1'), node('b/1')];
      await b.beat();
      await a.beat();
      // As if the beats had been written before the clock was set.
      await sql`UPDATE workflow_nodes SET beat_at = beat_at - ${step}::interval`.execute(database);
      clock += DEAD_AFTER_MS - 1;
      expect((await a.beat()).dead).to.deep.equal([]);
      await b.beat();
      clock += DEAD_AFTER_MS - 1;
      expect((await a.beat()).dead).to.deep.equal([]);
      // And who is dead is found dead all the same.
      clock += DEAD_AFTER_MS;
      expect((await a.beat()).dead).to.deep.equal(['b/1']);
    });
  }

  it('forget all earlier lives of a node that starts anew', async () => {
    await node('a/1').beat();
    await node('ab/1').beat();
    await node('a/2').forget('a');
    const { rows } = await sql<{ owner: string }>`SELECT owner FROM workflow_nodes`.execute(database);
    expect(rows).to.deep.equal([{ owner: 'ab/1' }]);
  });
});

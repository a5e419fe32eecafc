// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import { NotFoundError, PeerError } from '../../errors.ts';
import { problemOf } from '../../rest/problem.ts';
import { BellsByDatabase } from '../../store/bells.ts';
import { checkDatabase, openDatabase } from '../../store/database.ts';
import { isConnectionError, mayPass } from '../../store/database-errors.ts';
import { writeOnly } from '../../store/pipelined-driver.ts';
import { TestDatabase } from '../ota/fixture.ts';
import { BadWay } from './bad-way.ts';

interface Things {
  things: { id: number };
}
const migrations = [{ number: 1, name: 'things', sql: 'CREATE TABLE things (id integer PRIMARY KEY)' }];

const rejection = (act: Promise<unknown>): Promise<unknown> =>
  act.then(
    () => undefined,
    (error: unknown) => error,
  );
const kind = (error: unknown) => ({
  passes: mayPass(error),
  ends: isConnectionError(error),
  status: problemOf(error).status,
});
const STATEMENT = { passes: true, ends: false, status: 503 };
const CONNECTION = { passes: true, ends: true, status: 503 };

describe('a database that has no time, takes no writes, or falls silent', () => {
  let server: TestDatabase;
  const opened: Kysely<Things>[] = [];
  const open = async (name: string, limits = '', connections = 1, more: { stillMs?: number } = {}) => {
    const url = await server.server.createDatabase(name);
    const database = await openDatabase<Things>({ url: `${url}${limits}`, migrations, connections, ...more });
    opened.push(database);
    return { url, database };
  };
  const admin = async (statement: string) => {
    const database = await openDatabase({ url: server.server.adminUrl, migrations: [], connections: 1 });
    await sql.raw(statement).execute(database);
    await database.destroy();
  };
  const add = (database: Kysely<Things>, id: number) => database.insertInto('things').values({ id });
  const idsOf = async (database: Kysely<Things>) =>
    (await database.selectFrom('things').select('id').orderBy('id').execute()).map(({ id }) => id);
  const pidOf = async (database: Kysely<Things>) => {
    const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(database);
    return rows[0]?.pid ?? 0;
  };

  before(async () => {
    server = await TestDatabase.start();
  });
  afterEach(async () => {
    for (const database of opened.splice(0)) await database.destroy();
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });

  it('ends a statement whose time is over: that may pass, and the connection stays', async () => {
    const { database } = await open('slow');
    const pid = await pidOf(database);
    const slow = database.transaction().execute(async (transaction) => {
      await sql.raw('SET LOCAL statement_timeout = 100').execute(transaction);
      await writeOnly(transaction, [add(transaction, 1), sql`SELECT pg_sleep(20)`]);
      return idsOf(transaction);
    });
    expect(kind(await rejection(slow))).to.deep.equal(STATEMENT);
    expect([await pidOf(database), await idsOf(database)]).to.deep.equal([pid, []]);
  });

  it('ends one of two transactions that wait for each other, or cannot be put in a row: that may pass', async () => {
    const { database } = await open('crossed', '', 2);
    await database
      .insertInto('things')
      .values([{ id: 1 }, { id: 2 }])
      .execute();
    const lock = (on: Kysely<Things>, id: number) =>
      on.selectFrom('things').select('id').where('id', '=', id).forUpdate().execute();
    let both = 0;
    let meet = () => {};
    const met = new Promise<void>((resolve) => {
      meet = resolve;
    });
    const cross = (first: number, second: number) =>
      database.transaction().execute(async (transaction) => {
        await lock(transaction, first);
        both += 1;
        if (both === 2) meet();
        await met;
        await lock(transaction, second);
      });
    const failed = (await Promise.all([cross(1, 2), cross(2, 1)].map(rejection))).filter((one) => one !== undefined);
    expect(failed.map(kind)).to.deep.equal([STATEMENT]);
    const raised = sql.raw(`DO $$ BEGIN RAISE serialization_failure; END $$`).execute(database);
    expect(kind(await rejection(raised))).to.deep.equal(STATEMENT);
  });

  it('gives connections up on which nothing can be written, and is not ready meanwhile', async () => {
    const { database } = await open('standby');
    await admin('ALTER DATABASE standby SET default_transaction_read_only = on');
    // The connections of before are the old server's, which still takes writes here.
    await rejection(sql`SELECT pg_terminate_backend(pg_backend_pid())`.execute(database));
    const pid = await pidOf(database);
    expect(kind(await rejection(add(database, 1).execute()))).to.deep.equal(CONNECTION);
    const next = await pidOf(database);
    expect(next).not.to.equal(pid);
    const refused = await rejection(checkDatabase(database));
    expect(refused).to.deep.include({ code: 'database', context: { sqlState: '25006' } });
    await admin('ALTER DATABASE standby RESET default_transaction_read_only');
    await checkDatabase(database);
    await add(database, 2).execute();
    expect(await idsOf(database)).to.deep.equal([2]);
  });

  it('gives a server up that stands still, with what was sent behind, and asks another connection', async () => {
    const { database } = await open('still', '?query_timeout=2000');
    const pid = await pidOf(database);
    process.kill(pid, 'SIGSTOP');
    try {
      const asked = [checkDatabase(database, 100), checkDatabase(database, 200)].map(rejection);
      for (const silent of await Promise.all(asked))
        expect(silent).to.deep.include({ code: 'database', context: { sqlState: 'no-answer' } });
      const waiting = database.transaction().execute((transaction) => writeOnly(transaction, [add(transaction, 1)]));
      await waiting;
      expect(await pidOf(database)).not.to.equal(pid);
      await checkDatabase(database);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    expect(await idsOf(database)).to.deep.equal([1]);
  });

  it('tells a transaction whose COMMIT was not answered that its end is not known', async () => {
    const { url } = await open('swallowed');
    await using way = await BadWay.open(`${url}?query_timeout=2000`);
    const database = await openDatabase<Things>({ url: way.url, migrations, connections: 1 });
    opened.push(database);
    const cut = database.transaction().execute(async (transaction) => {
      await add(transaction, 1).execute();
      way.swallow();
    });
    expect(kind(await rejection(cut))).to.deep.equal(CONNECTION);
    way.loseAnswerTo('COMMIT');
    const lost = database.transaction().execute((transaction) => writeOnly(transaction, [add(transaction, 2)]));
    expect(kind(await rejection(lost))).to.deep.equal(CONNECTION);
    expect(await idsOf(database)).to.deep.equal([2]);
  });

  it('answers beside a pool whose connections are all at work, and not when it takes no writes', async () => {
    const { database } = await open('crowded');
    const held = Promise.withResolvers<void>();
    const taken = Promise.withResolvers<void>();
    const atWork = database.transaction().execute(async (transaction) => {
      await add(transaction, 1).execute();
      taken.resolve();
      await held.promise;
    });
    await taken.promise;
    await checkDatabase(database);
    await admin('ALTER DATABASE crowded SET default_transaction_read_only = on');
    const refused = await rejection(checkDatabase(database));
    expect(refused).to.deep.include({ code: 'database', context: { sqlState: '25006' } });
    held.resolve();
    await atWork;
    expect(await idsOf(database)).to.deep.equal([1]);
  });

  it('is not ready while all connections of its pool hang, though a new one would be answered', async () => {
    const { url } = await open('forgotten');
    await using way = await BadWay.open(`${url}?query_timeout=6000`);
    const database = await openDatabase<Things>({ url: way.url, migrations, connections: 2, stillMs: 500 });
    opened.push(database);
    const begun = await Promise.all(
      [1, 2].map(async (id) => {
        const transaction = await database.startTransaction().execute();
        await add(transaction, id).execute();
        return transaction;
      }),
    );
    await checkDatabase(database);
    way.swallow();
    const hanging = begun.map((transaction) => rejection(idsOf(transaction)));
    let ended = false;
    void Promise.race(hanging).finally(() => {
      ended = true;
    });
    let refused: unknown;
    while (refused === undefined && !ended) refused = await rejection(checkDatabase(database));
    expect(refused).to.deep.include({ code: 'database', context: { sqlState: 'no-answer' } });
    expect((await Promise.all(hanging)).map(kind)).to.deep.equal([CONNECTION, CONNECTION]);
    for (const transaction of begun) await rejection(transaction.rollback().execute());
    await checkDatabase(database);
  });

  it('is ready while its pool is at work and the server has no connection more for it', async () => {
    const { database } = await open('limited', '', 2);
    await admin('ALTER ROLE limited CONNECTION LIMIT 1');
    const transaction = await database.startTransaction().execute();
    await add(transaction, 1).execute();
    expect(await rejection(idsOf(database)), 'no more').to.include({ code: '53300' });
    await checkDatabase(database);
    await transaction.commit().execute();
    const still = await open('still_limited', '', 2, { stillMs: 0 });
    await admin('ALTER ROLE still_limited CONNECTION LIMIT 1');
    const other = await still.database.startTransaction().execute();
    await add(other, 1).execute();
    const refused = await rejection(checkDatabase(still.database));
    expect(refused, 'nothing of it moves').to.deep.include({ code: 'database', context: { sqlState: '53300' } });
    await other.commit().execute();
  });

  it('knows its connections by the name that the address gives, each part’s behind it', async () => {
    const long = 'a name of an operator that is much longer than PostgreSQL keeps';
    const letters = encodeURIComponent('ä€😀'.repeat(20));
    const { url } = await open('named');
    const names = async () => {
      const seen = await sql<{ name: string }>`SELECT application_name AS name FROM pg_stat_activity
        WHERE datname = 'named' ORDER BY 1`.execute(opened.at(-1) as Kysely<Things>);
      return seen.rows.map(({ name }) => name.replace(/[0-9a-f]{8}-[0-9a-f]{4}/, 'ID'));
    };
    opened.push(await openDatabase<Things>({ url: `${url}?application_name=issuer+2`, migrations, connections: 1 }));
    const onError = () => {};
    await using _listener = await BellsByDatabase.listen({ url: `${url}?application_name=issuer+2`, onError });
    await using _long = await BellsByDatabase.listen({ url: `${url}?application_name=${long}`, onError });
    await using _letters = await BellsByDatabase.listen({ url: `${url}?application_name=${letters}`, onError });
    await using _bare = await BellsByDatabase.listen({ url, onError });
    expect(await names()).to.include.members([
      ...['issuer 2', 'issuer 2 opentsm bells ID', 'opentsm bells ID'],
      `${long.slice(0, 63 - 'opentsm bells 01234567-0123 '.length)} opentsm bells ID`,
      `${'?'.repeat(63 - 'opentsm bells 01234567-0123 '.length)} opentsm bells ID`,
    ]);
  });

  const names = {
    '': '',
    ', under a name of its operator': '&application_name=issuer+2',
    ', under a long one in letters of two bytes': `&application_name=${'%C3%A4'.repeat(40)}`,
  };
  for (const [name, named] of Object.entries(names))
    it(`keeps the name of its node over a listening connection that has gone silent${name}`, async () => {
      const { url } = await open('name');
      await using way = await BadWay.open(`${url}?query_timeout=1000${named}`);
      const heard: string[] = [];
      const lock = { key: 'node one', taken: () => heard.push('taken') };
      const onError = ({ message }: Error) => heard.push(message);
      await using listener = await BellsByDatabase.listen({ url: way.url, onError, lock, askMs: 50 });
      const again = listener.bells.heard('some bell', 60_000);
      way.swallow();
      await again;
      // Another process is told so: the name is held.
      await using other = await BellsByDatabase.listen({
        url,
        onError,
        lock: { ...lock, taken: () => heard.push('other') },
      });
      expect(heard).to.deep.equal(['Query read timeout', 'other']);
      expect(other.bells).not.to.equal(listener.bells);
    });

  it('hears bells again when the listening connection has gone silent', async () => {
    const { url, database } = await open('bells');
    await using way = await BadWay.open(`${url}?query_timeout=1000`);
    const errors: string[] = [];
    let told = () => {};
    const lost = new Promise<void>((resolve) => {
      told = resolve;
    });
    const onError = (error: Error) => {
      errors.push(error.message);
      told();
    };
    await using listener = await BellsByDatabase.listen({ url: way.url, onError, askMs: 50 });
    way.swallow();
    // Whoever waits is woken when it listens again: what happened meanwhile is not known.
    const woken = listener.bells.heard('some bell', 60_000);
    await lost;
    await woken;
    const rung = listener.bells.heard('another bell', 60_000);
    await sql`SELECT pg_notify('opentsm', 'another bell')`.execute(database);
    await rung;
    expect(errors[0]).to.equal('Query read timeout');
  });

  it('does not take a refusal for one that may pass', () => {
    const refused = new NotFoundError('nothing', 'refused by us');
    // Words and codes that a user or a peer has chosen.
    const words = Object.assign(new Error('invalid input syntax for type uuid: "timeout expired"'), { code: '22P02' });
    const peers = ['peer-answer', '40001', '08006'].map((code) => new PeerError(code, 'Connection terminated'));
    for (const error of [refused, words, ...peers, { code: '23505' }, { code: '42P01' }, undefined, null, 'text'])
      expect(mayPass(error)).to.equal(false);
  });
});

// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import { ConflictError, PolicyError } from '../../errors.ts';
import { AuditLog, firstBrokenRecord, pruneAudit } from '../../store/audit-log.ts';
import { AuthenticationFailures } from '../../store/authentication-failures.ts';
import { cardIdText } from '../../store/card-id.ts';
import { openDatabase } from '../../store/database.ts';
import { isConnectionError } from '../../store/database-errors.ts';
import { recordCreated, recordCreating } from '../../store/issuer/applications.ts';
import { findCardInService, findCardRow, putCard } from '../../store/issuer/cards.ts';
import { findProvider, putProvider } from '../../store/issuer/providers.ts';
import { ISSUER_MIGRATIONS, type IssuerTables } from '../../store/issuer/schema.ts';
import { addRequest, finishRequest, takeKeyBlob } from '../../store/issuer/security-domain-requests.ts';
import { addResource, markDeleted } from '../../store/issuer/security-domain-resources.ts';
import { together, writeOnly } from '../../store/pipelined-driver.ts';
import { PROVIDER_MIGRATIONS, type ProviderTables } from '../../store/provider/schema.ts';
import { findSecurityDomainRow, recordOwned, recordReported } from '../../store/provider/security-domains.ts';
import { claimIdempotencyKey, requestIdOf } from '../../store/request-log.ts';
import { ISSUER_FLOW_TABLES, pruneFlows } from '../../store/retention.ts';
import { StepLog } from '../../store/step-log.ts';
import { TestDatabase } from '../ota/fixture.ts';

const rejection = (act: Promise<unknown>): Promise<unknown> =>
  act.then(
    () => undefined,
    (error: unknown) => error,
  );
const cardId = { kind: 'iccid', value: '89860012345678901234' } as const;
const entry = {
  phase: 'before',
  act: 'PUT KEY',
  subject: 'card',
  workflowId: 'w',
  numeral: '50',
  details: { a: 1 },
} as const;

describe("the platforms' databases", () => {
  let server: TestDatabase;
  let database: Kysely<IssuerTables>;
  before(async () => {
    server = await TestDatabase.start();
    const url = await server.server.createDatabase('store');
    database = await openDatabase<IssuerTables>({ url, migrations: ISSUER_MIGRATIONS });
    // A second start finds its schema and changes nothing.
    await (await openDatabase({ url, migrations: ISSUER_MIGRATIONS })).destroy();
  });
  after(async () => {
    await database.destroy();
    await server[Symbol.asyncDispose]();
  });

  it('forget keys that were never fetched with the domain that they were for', async () => {
    const keys = { ssdAid: 'A0', isdAid: 'A1', keyVersion: '30', keyIndex: 'k', transportKeyVersion: 1 };
    const set = { enc: 'E', mac: 'M', dek: 'D' };
    const way = { card: cardIdText(cardId), ssdAid: 'A0', transport: { kind: 'ota' } } as const;
    for (const id of ['gone', 'other']) {
      await addRequest(database, id, 'p');
      await addResource(database, id, 'p', { ...way, ssdAid: id === 'gone' ? 'A0' : 'A2' });
      await finishRequest(database, id, { keyBlob: { ...keys, keyBlocks: set, checkValues: set } });
    }
    const proof = { statusWord: '9000', absent: true } as const;
    await markDeleted(database, { providerId: 'p', card: way.card, ssdAid: 'A0', proof });
    const take = (id: string) => database.transaction().execute((transaction) => takeKeyBlob(transaction, id));
    expect(await take('gone')).to.equal(undefined);
    expect(await take('other')).to.have.property('keyIndex', 'k');
    expect(await take('other')).to.equal(undefined);
  });

  describe('on one connection', () => {
    interface Things {
      things: { id: number; name: string; more?: string };
    }
    const things = [
      { number: 1, name: 'things', sql: 'CREATE TABLE things (id integer PRIMARY KEY, name text NOT NULL)' },
    ];
    let one: Kysely<Things>;
    const named = (id: number) => one.selectFrom('things').selectAll().where('id', '=', id).executeTakeFirst();
    before(async () => {
      const url = await server.server.createDatabase('things');
      one = await openDatabase<Things>({ url, migrations: things, connections: 1 });
    });
    after(async () => {
      await one.destroy();
    });

    it('prepares a statement once', async () => {
      for (const id of [1, 2, 3]) await named(id);
      const { rows } = await sql<{ calls: string }>`SELECT generic_plans + custom_plans AS calls
        FROM pg_prepared_statements WHERE statement LIKE '%from "things"%'`.execute(one);
      expect(rows.map(({ calls }) => Number(calls))).to.deep.equal([3]);
    });

    it('begins a transaction before its first statement, and takes all of it back', async () => {
      const failed = one.transaction().execute(async (transaction) => {
        await transaction.insertInto('things').values({ id: 1, name: 'a' }).execute();
        await transaction.insertInto('things').values({ id: 1, name: 'b' }).execute();
      });
      expect(await rejection(failed)).to.include({ code: '23505' });
      const swallowed = one.transaction().execute(async (transaction) => {
        await transaction.insertInto('things').values({ id: 2, name: 'a' }).execute();
        await rejection(transaction.insertInto('things').values({ id: 2, name: 'b' }).execute());
      });
      expect(await rejection(swallowed)).to.include({ code: 'transaction-aborted' });
      const nothing = one.transaction().execute(async () => {
        throw new PolicyError('no', 'no statement at all');
      });
      expect(await rejection(nothing)).to.include({ code: 'no' });
      expect([await named(1), await named(2)]).to.deep.equal([undefined, undefined]);
    });

    it('sends what needs no other answer at once, in its order', async () => {
      const add = (id: number) => one.insertInto('things').values({ id, name: 'a' });
      const all = one.selectFrom('things').select('id').where('id', '>=', 10).orderBy('id');
      expect(await together(one, [add(10), all, add(11), all])).to.deep.equal([
        ...[[], [{ id: 10 }], []],
        [{ id: 10 }, { id: 11 }],
      ]);
      expect(await rejection(together(one, [add(12), add(10), add(13)]))).to.include({ code: '23505' });
      expect((await together(one, [all]))[0]).to.have.length(4);
    });

    it('tells with COMMIT what became of what was only written', async () => {
      const add = (id: number) => one.insertInto('things').values({ id, name: 'a' });
      const write = (...ids: number[]) =>
        one.transaction().execute((transaction) => writeOnly(transaction, ids.map(add)));
      await write(20, 21);
      expect(await rejection(write(22, 20, 23))).to.include({ code: '23505' });
      const thrown = one.transaction().execute(async (transaction) => {
        await writeOnly(transaction, [add(24)]);
        throw new ConflictError('given-up', 'after a statement that nobody has read');
      });
      expect(await rejection(thrown)).to.include({ code: 'given-up' });
      // What comes behind it is refused for its sake: the caller hears of the statement that failed.
      const read = one.transaction().execute(async (transaction) => {
        await writeOnly(transaction, [add(25), add(20), add(26)]);
        await transaction.selectFrom('things').select('id').execute();
      });
      expect(await rejection(read)).to.include({ code: '23505' });
      const ids = await one.selectFrom('things').select('id').where('id', '>=', 20).orderBy('id').execute();
      expect(ids.map(({ id }) => id)).to.deep.equal([20, 21]);
    });

    it('says that the connection was cut before COMMIT, and goes on with another', async () => {
      const cut = one.transaction().execute((transaction) => {
        const end = sql`SELECT pg_terminate_backend(pg_backend_pid())`;
        return writeOnly(transaction, [one.insertInto('things').values({ id: 30, name: 'a' }), end]);
      });
      expect(isConnectionError(await rejection(cut))).to.equal(true);
      expect(await named(30)).to.equal(undefined);
    });

    it('loses a connection, and nothing more, when a migration changes what a statement returns', async () => {
      await named(1);
      await sql.raw('ALTER TABLE things ADD COLUMN more text').execute(one);
      expect(isConnectionError(await rejection(named(1)))).to.equal(true);
      expect(await named(1)).to.equal(undefined);
    });
  });

  it('takes an idempotency key once for one request of one caller', async () => {
    const use = { key: 'key-00001', caller: 'a', body: { reader: 'r', size: 2048 } };
    expect(await claimIdempotencyKey(database, use)).to.equal(true);
    expect(await claimIdempotencyKey(database, { ...use, body: { size: 2048, reader: 'r' } })).to.equal(false);
    for (const other of [
      { ...use, caller: 'b' },
      { ...use, body: { reader: 'r', size: 1024 } },
    ]) {
      expect(await rejection(claimIdempotencyKey(database, other))).to.be.instanceOf(ConflictError);
    }
  });

  it('lets two callers have the same key', () => {
    const ids = ['operator:issuer:main/a', 'operator:issuer:main/b'].map((caller) => requestIdOf(caller, 'order-0001'));
    expect(new Set(ids).size).to.equal(2);
    for (const id of ids) expect(id).to.match(/^[0-9a-f]{32}$/);
  });

  it('chains audit records, refuses to change them and finds a record that was changed', async () => {
    const log = new AuditLog(database);
    await Promise.all([1, 2, 3, 4].map((a) => log.append({ ...entry, details: { a } })));
    const records = await log.records();
    expect(records.map(({ number }) => number)).to.deep.equal([1, 2, 3, 4]);
    expect(firstBrokenRecord(records)).to.equal(undefined);
    for (const statement of ["UPDATE audit_log SET act = 'x'", 'DELETE FROM audit_log', 'TRUNCATE audit_log']) {
      expect(String(await rejection(sql.raw(statement).execute(database)))).to.contain('append-only');
    }
    const [first, second, ...rest] = records;
    if (first === undefined || second === undefined) throw new Error('records are missing');
    expect(firstBrokenRecord([first, { ...second, act: 'DELETE' }, ...rest])).to.equal(2);
    expect(firstBrokenRecord([first, ...rest])).to.equal(2);
  });

  it('shows records in pages, and those of an act, a subject or a flow', async () => {
    const log = new AuditLog(database);
    const last = (await log.records()).at(-1)?.number ?? 0;
    for (const subject of ['iccid:8986 A0', 'iccid:89_6 A0'])
      await log.append({ ...entry, subject, workflowId: subject });
    const numbers = async (filter: object, limit?: number) =>
      (await log.records(limit, { after: last, ...filter })).map(({ number }) => number - last);
    expect(await numbers({}, 1)).to.deep.equal([1]);
    expect(await numbers({ after: last + 1 })).to.deep.equal([2]);
    expect(await numbers({ subject: 'iccid:8986' })).to.deep.equal([1]);
    expect(await numbers({ subject: 'iccid:89_6' })).to.deep.equal([2]);
    expect(await numbers({ flow: 'iccid:8986 A0' })).to.deep.equal([1]);
    expect(await numbers({ act: 'DELETE' })).to.deep.equal([]);
  });

  it('takes away old audit records from the beginning only, and the rest is a chain from the anchor', async () => {
    const log = new AuditLog(database);
    const before = await log.records();
    expect(await pruneAudit(database, 1)).to.equal(0);
    expect(await pruneAudit(database, 0)).to.equal(before.length - 1);
    const [records, anchor] = [await log.records(), await log.anchor()];
    expect(records.map(({ act }) => act)).to.deep.equal([before.at(-1)?.act, 'prune audit log']);
    expect(records.at(-1)?.details).to.deep.equal({ upTo: anchor.number, hash: anchor.hash });
    expect(firstBrokenRecord(records, anchor)).to.equal(undefined);
    expect(firstBrokenRecord(records)).to.not.equal(undefined);
    expect(String(await rejection(sql`DELETE FROM audit_log`.execute(database)))).to.contain('append-only');
  });

  it('forgets flows that ended long ago with all their rows, and no others', async () => {
    const add = (id: string, state: string, days: number) =>
      sql`INSERT INTO workflows (id, kind, fair_key, state, version, input, updated_at)
        VALUES (${id}, 'k', 'a', ${state}, '1', '{}', now() - ${days} * interval '1 day')`.execute(database);
    for (const [id, state, days] of [
      ['old', 'ended', 31],
      ['waiting', 'queued', 31],
      ['new', 'ended', 29],
    ] as const) {
      await add(id, state, days);
      await claimIdempotencyKey(database, { key: id, caller: 'a', body: {} });
      await sql`INSERT INTO security_domain_requests VALUES (${id}, 'a', 'done')`.execute(database);
      await sql`INSERT INTO application_requests VALUES (${id}, 'a', 'done')`.execute(database);
    }
    expect(await pruneFlows(database, { days: 30, tables: ISSUER_FLOW_TABLES })).to.equal(1);
    const left = async (table: string, column: string) => {
      const names = sql.join(['old', 'waiting', 'new']);
      const { rows } = await sql<{ id: string }>`SELECT ${sql.ref(column)} AS id FROM ${sql.table(table)}
        WHERE ${sql.ref(column)} IN (${names}) ORDER BY 1`.execute(database);
      return rows.map(({ id }) => id);
    };
    for (const [table, column] of Object.entries({ workflows: 'id', ...ISSUER_FLOW_TABLES })) {
      if (table !== 'workflow_steps') expect(await left(table, column), table).to.deep.equal(['new', 'waiting']);
    }
    expect(await claimIdempotencyKey(database, { key: 'old', caller: 'b', body: {} })).to.equal(true);
  });

  it('stops authentications two before the limit of the card, and starts again after a good one', async () => {
    const failures = new AuthenticationFailures(database, 5);
    for (let attempt = 1; attempt <= 3; attempt += 1) await failures.begin('card', 'ISD');
    const stopped = await rejection(failures.begin('card', 'ISD'));
    expect(stopped).to.be.instanceOf(PolicyError);
    expect(await failures.count('card', 'ISD')).to.equal(3);
    expect(await rejection(failures.begin('card', 'SSD'))).to.equal(undefined);
    await failures.withdrawn('card', 'ISD');
    await failures.begin('card', 'ISD');
    await failures.succeeded('card', 'ISD');
    expect(await failures.count('card', 'ISD')).to.equal(0);
  });

  it('lets parallel authentications not pass the limit either', async () => {
    const failures = new AuthenticationFailures(database, 5);
    const results = await Promise.all(Array.from({ length: 8 }, () => rejection(failures.begin('other', 'ISD'))));
    expect(results.filter((result) => result === undefined)).to.have.length(3);
  });

  it('keeps the place of a row and adds the cost when it is done again', async () => {
    const log = new StepLog(database);
    const cost = { apdus: 3, roundTrips: 1, bytesOut: 10, bytesIn: 20, ms: 1.5 };
    const step = (numeral: string) => ({
      numeral,
      name: 'row',
      from: 'issuer',
      to: 'card',
      commands: [`SELECT ${numeral}`],
      ...cost,
    });
    for (const numeral of ['45', '46', '45']) await log.add('w', step(numeral));
    const steps = await log.list('w');
    expect(steps.map(({ numeral, apdus, roundTrips, ms }) => [numeral, apdus, roundTrips, ms])).to.deep.equal([
      ['45', 6, 2, 3],
      ['46', 3, 1, 1.5],
    ]);
    expect(steps[0]?.commands).to.deep.equal(['SELECT 45', 'SELECT 45']);
  });

  it('knows cards, providers and whose an AID on a card is', async () => {
    const isdPublicKey = { modulus: 'C0'.repeat(128), exponent: '010001' };
    const card = { cardId, isdAid: 'A000000151000000', isdKeyReference: '1002', isdPublicKey };
    await putCard(database, card);
    expect(await findCardRow(database, cardId)).to.deep.equal(card);
    expect(await findCardRow(database, { kind: 'iccid', value: '1234' })).to.equal(undefined);
    expect(await findCardInService(database, { kind: 'iccid', value: '1234' })).to.equal(undefined);
    expect(await findCardInService(database, cardId)).to.deep.equal(card);
    const provider = {
      providerId: 'a',
      baseUrl: 'https://127.0.0.1:1',
      permissions: ['create-security-domain' as const],
      aids: ['F001020304'],
    };
    await putProvider(database, { ...provider, aids: [] });
    expect(await findProvider(database, 'a')).to.deep.equal({ ...provider, aids: [] });
    await putProvider(database, provider);
    expect(await findProvider(database, 'a')).to.deep.equal(provider);
    const b = { ...provider, providerId: 'b', aids: ['F00102030405'] };
    for (const aid of ['F00102030405', 'F001020304', 'A000000151000000', 'A00000015153504341534400', 'A000000151']) {
      const error = await rejection(putProvider(database, { ...b, aids: ['F0FFFFFFFF', aid] }));
      expect(error, aid).to.be.instanceOf(ConflictError).and.include({ code: 'aid-taken' });
    }
    expect(await findProvider(database, 'b'), 'nothing of a refused registration stays').to.equal(undefined);
    for (const names of [{ isdAid: 'F001020304' }, { casdAid: 'F0010203040506' }]) {
      const error = await rejection(putCard(database, { ...card, ...names }));
      expect(error).to.be.instanceOf(ConflictError).and.include({ code: 'aid-taken' });
    }
    expect(await findCardRow(database, cardId)).to.deep.equal(card);
    const application = { cardId, aid: 'F001020304', providerId: 'a', workflowId: 'w' };
    await recordCreating(database, application);
    await recordCreated(database, application);
    await recordCreating(database, { ...application, workflowId: 'w2' });
    const taken = await rejection(recordCreating(database, { ...application, providerId: 'b' }));
    expect(taken).to.be.instanceOf(ConflictError);
    const whose = { cardId, providerId: 'a', workflowId: 'w' };
    const file = { aid: 'F001020306', hash: '01'.repeat(32) };
    await recordCreating(database, { ...whose, aid: 'F00102030601', productId: 'p', loadFile: file });
    const codeOf = async (change: { readonly aid: string; readonly productId: string }, hash?: string) =>
      Object(await rejection(recordCreating(database, { ...whose, ...change, loadFile: { ...file, hash } }))).code;
    const same = { aid: 'F00102030601', productId: 'p' };
    expect(await codeOf({ ...same, productId: 'q' }, file.hash)).to.equal('aid-taken');
    expect(await codeOf({ aid: 'F00102030602', productId: 'q' }, '02'.repeat(32))).to.equal('load-file-taken');
    await recordCreating(database, { ...whose, aid: 'F00102030602', productId: 'q', loadFile: file });
    expect(await codeOf(same, '02'.repeat(32)), 'another is made of it').to.equal('load-file-taken');
    // DELETE takes whatever has the name, be it an application or a load file.
    expect(await codeOf({ aid: file.aid, productId: 'p' }), 'a load file has it').to.equal('aid-taken');
    const ofInstance = { ...whose, aid: 'F00102030603', productId: 'p', loadFile: { aid: same.aid } };
    expect(await rejection(recordCreating(database, ofInstance))).to.include({ code: 'aid-taken' });
    const library = { ...ofInstance, loadFile: { aid: 'F001020307' }, libraries: [{ aid: same.aid }] };
    expect(await rejection(recordCreating(database, library))).to.include({ code: 'aid-taken' });
  });

  it("keep the row of a provider's domain that is its own, and give it as it was changed", async () => {
    const url = await server.server.createDatabase('store_provider');
    const own = await openDatabase<ProviderTables>({ url, migrations: PROVIDER_MIGRATIONS });
    try {
      const publicKey = (byte: string) => ({ modulus: byte.repeat(128), exponent: '010001' });
      const reported = { cardId, ssdAid: 'F0', isdAid: 'A0', keyReference: '1012', publicKey: publicKey('C0') };
      const other = { ...reported, publicKey: publicKey('C1') };
      const pair = { keyReference: '1013', publicKey: publicKey('C2') };
      const attestedCard = { iin: '42', cin: '43' };
      expect(await recordOwned(own, cardId, pair, attestedCard), 'there is none').to.equal(undefined);
      expect(await recordReported(own, reported)).to.equal(true);
      expect(await findSecurityDomainRow(own, cardId)).to.deep.equal({ ...reported, state: 'reported' });
      expect(await recordReported(own, other), 'over a reported one').to.equal(true);
      expect(await findSecurityDomainRow(own, cardId)).to.deep.equal({ ...other, state: 'reported' });
      const owned = { ...reported, ...pair, attestedCard, state: 'owned' };
      expect(await recordOwned(own, cardId, pair, attestedCard)).to.deep.equal(owned);
      expect(await findSecurityDomainRow(own, cardId)).to.deep.equal(owned);
      expect(await recordOwned(own, cardId, pair, undefined), 'no CASD now').to.deep.equal(owned);
      expect(await recordReported(own, reported), 'over an own one').to.equal(false);
      expect(await findSecurityDomainRow(own, cardId)).to.deep.equal(owned);
    } finally {
      await own.destroy();
    }
  });
});

// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import { ConflictError } from '../../errors.ts';
import { RENEWAL_BELL, Renewals } from '../../service/provider/renewals.ts';
import { AuditLog } from '../../store/audit-log.ts';
import { Bells } from '../../store/bells.ts';
import { cardIdText } from '../../store/card-id.ts';
import { openDatabase } from '../../store/database.ts';
import { ledgerOf, settleLoad } from '../../store/provider/loads.ts';
import { agreeForHolder, pruneRenewals } from '../../store/provider/renewals.ts';
import { PROVIDER_MIGRATIONS, type ProviderTables } from '../../store/provider/schema.ts';
import { provideInstance } from '../../store/provider/service-instances.ts';
import { addDeployment, findDeployed, setInstanceState } from '../../store/provider/service-processes.ts';
import type { CardPlace } from '../../wire/message/card-script.ts';
import type { CardId } from '../../wire/message/common.ts';
import { INSTANCE_STATE, type ProductState, type RenewalState } from '../../wire/message/platform.ts';
import { TestDatabase } from '../ota/fixture.ts';

const ID = '00000000-0000-4000-8000-000000000001';
const OLD: CardId = { kind: 'iccid', value: '89860000000000000661' };
const NEXT: CardId = { kind: 'iccid', value: '89860000000000000662' };
const [BEGUN, OTHER] = ['begun', 'other'].map(
  (readerName): CardPlace => ({ terminalId: 't', readerName, insertion: '1', named: true }),
) as [CardPlace, CardPlace];

async function until(what: string, is: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 20_000; !(await is()); await delay(5))
    if (Date.now() > deadline) expect.fail(`not seen: ${what}`);
}

/** What renewals leave on old cards: when it is looked for, and who may stop that. Processes are told, none is run. */
describe('clearings of replaced cards', function () {
  this.timeout(60_000);
  let postgres: TestDatabase;
  let database: Kysely<ProviderTables>;
  const bells = new Bells();
  /** Where an old card and a new one are, one call after the other. */
  let places: (cardId: CardId) => Promise<CardPlace[]>;
  let processState: 'running' | 'failed' = 'running';
  const started: { readonly id: string; readonly readerName: string }[] = [];

  before(async () => {
    postgres = await TestDatabase.start();
    const url = await postgres.server.createDatabase('provider');
    database = await openDatabase<ProviderTables>({ url, migrations: PROVIDER_MIGRATIONS });
  });
  after(async () => {
    await database?.destroy();
    await postgres?.[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    for (const table of ['renewals', 'service_deployments', 'service_instances'] as const)
      await database.deleteFrom(table).execute();
    started.length = 0;
    processState = 'running';
    places = async () => [];
  });

  function open(): Renewals {
    const never = () => expect.fail('nothing is deployed here');
    return new Renewals({
      database,
      auditLog: new AuditLog(database),
      bells,
      keySizeBits: 1024,
      onFailure: () => {},
      keyDistributions: { start: never, state: never },
      instances: { provide: never },
      productFlows: {
        startDeployment: never,
        deployment: never,
        startBalanceMove: never,
        balanceMove: never,
        startPayment: never,
        topUp: never,
      },
      processes: {
        start: async (id, _caller, instanceId, body, allow) => {
          allow?.((await findDeployed(database, instanceId)) ?? expect.fail('no instance'));
          started.push({ id, readerName: body.readerName });
          return {} as never;
        },
        state: async () => ({ state: processState }) as never,
      },
      placesOf: (cardId) => places(cardId),
    });
  }

  /** An instance on the old card, and the renewal that took it to the next one. */
  async function renewed(name: string, state: RenewalState, productState: ProductState = 'TERMINATED') {
    const deployment = { spId: ID, serviceId: ID, versionTag: '1.0.0', flavorId: ID, profileId: ID };
    await provideInstance(database, { productId: name, cardId: OLD, instanceId: name, serial: `41000000000${name}` });
    await addDeployment(database, { ...deployment, instanceId: name });
    await sql`UPDATE service_instances SET product_state = ${productState}, state = 22
      WHERE instance_id = ${name}`.execute(database);
    await sql`INSERT INTO renewals
      (instance_id, product_id, old_card, new_card, version_tag, suspended, state, clear_at)
      VALUES (${name}, ${name}, ${cardIdText(OLD)}, ${cardIdText(NEXT)}, '1.0.0', false, ${state}, now())`.execute(
      database,
    );
  }
  const rowOf = async (name: string) =>
    database.selectFrom('renewals').selectAll().where('instance_id', '=', name).executeTakeFirstOrThrow();
  /** The app of somebody who holds both cards asks. */
  async function ask(productId: string): Promise<void> {
    await agreeForHolder(database, productId, [OLD, NEXT]);
    bells.ring(RENEWAL_BELL);
  }

  it('are looked for as often as their user asks, and given up by time alone', async () => {
    await renewed('asked', 'done');
    await sql`UPDATE renewals SET clear_tries = 100000, clear_looks = 100000`.execute(database);
    await using renewals = open();
    let looks = 0;
    places = async () => {
      looks += 1;
      return [];
    };
    for (let times = 1; times <= 20; times += 1) {
      await until(`look ${times}`, async () => looks >= times && (await rowOf('asked')).clear_away);
      await ask('asked');
    }
    await until('the last look', async () => looks > 20 && (await rowOf('asked')).clear_away);
    expect(await rowOf('asked')).to.include({ clear_tries: 100_000, clear_looks: 1 });
    expect((await renewals.list({ limit: 1 }))[0]?.clearAt).to.be.a('string');
    await sql`UPDATE renewals SET clear_until = now()`.execute(database);
    await ask('asked');
    await until('given up', async () => (await rowOf('asked')).clear_at === null);
    expect(looks, 'not looked for again').to.equal(21);
    expect((await renewals.list({ limit: 1 }))[0]).not.to.have.property('clearAt');
  });

  it('are looked for at once when a user asks, though nobody could tell where the card is', async () => {
    await renewed('untold', 'done');
    await using _renewals = open();
    places = () => Promise.reject(new ConflictError('busy', 'the OTA server has no time'));
    await until('away', async () => (await rowOf('untold')).clear_away);
    places = async () => [BEGUN];
    await ask('untold');
    await until('begun', async () => started.length > 0);
  });

  it('keep the reader of a termination to its end, wherever the card is seen meanwhile', async () => {
    await renewed('read', 'done');
    const seen = [BEGUN];
    places = async () => [seen.shift() ?? OTHER];
    await using _renewals = open();
    await until('three turns', async () => started.length >= 3);
    expect(new Set(started.map(({ readerName }) => readerName))).to.deep.equal(new Set(['begun']));
    expect(new Set(started.map(({ id }) => id)).size, 'one process').to.equal(1);
    processState = 'failed';
    await until('counted', async () => (await rowOf('read')).clear_tries === 1);
    processState = 'running';
    await sql`UPDATE renewals SET clear_at = now()`.execute(database);
    bells.ring(RENEWAL_BELL);
    await until('where it is now', async () => started.at(-1)?.readerName === 'other');
  });

  it('touch what is TERMINATED alone, and of one that was taken nothing before the new card has it', async () => {
    await renewed('valid-again', 'done', 'VALID');
    await renewed('taken', 'taken');
    await renewed('done', 'done');
    places = async () => [BEGUN];
    const there = { productId: 'taken', cardId: NEXT, instanceId: 'there', serial: '4100000000000669' };
    await provideInstance(database, there);
    await using _renewals = open();
    const looked = async () => {
      const rows = await database
        .selectFrom('renewals')
        .selectAll()
        .where('clear_reader_name', 'is not', null)
        .execute();
      return rows.map(({ instance_id: id }) => id).toSorted();
    };
    await until('done', async () => (await looked()).includes('done'));
    expect(await looked()).to.deep.equal(['done']);
    await setInstanceState(database, 'there', INSTANCE_STATE.OPERATIONAL);
    await ask('taken');
    await until('taken', async () => (await looked()).includes('taken'));
    expect(await looked()).to.deep.equal(['done', 'taken']);
  });

  it('are passed over in their time where nothing can be taken off, and given up at its end', async () => {
    await renewed('valid-again', 'done', 'VALID');
    await renewed('taken', 'taken');
    await using renewals = open();
    const times = async () => (await renewals.list({ limit: 9 })).map(({ clearAt }) => Date.parse(clearAt ?? ''));
    await until('passed over', async () => (await times()).every((at) => at > Date.now() + 60_000));
    expect(await pruneRenewals(database, 0)).to.equal(0);
    await sql`UPDATE renewals SET clear_at = now(), clear_until = now() WHERE clear_until IS NOT NULL`.execute(
      database,
    );
    bells.ring(RENEWAL_BELL);
    await until('given up', async () => (await times()).every(Number.isNaN));
    expect(await pruneRenewals(database, 0)).to.equal(2);
    expect(started).to.deep.equal([]);
  });

  it('begin no termination of what the issuer has called VALID again in the same moment', async () => {
    await renewed('between', 'done');
    places = async () => {
      await sql`UPDATE service_instances SET product_state = 'VALID'`.execute(database);
      return [BEGUN];
    };
    await using _renewals = open();
    await until('refused', async () => (await rowOf('between')).clear_tries === 1);
    expect(started).to.deep.equal([]);
  });

  it('are ended by an operator, for good, while no termination is at work', async () => {
    await renewed('looked-for', 'done');
    await renewed('at-work', 'done');
    await sql`UPDATE renewals SET clear_terminal_id = 't', clear_reader_name = 'r', clear_at = now() + interval '1 h'
      WHERE instance_id = 'at-work'`.execute(database);
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    places = async () => {
      asked.resolve();
      await answer.promise;
      return [BEGUN];
    };
    await using renewals = open();
    const end = (name: string) => renewals.end(name, 'alice').catch((error) => error.code);
    expect(await end('at-work')).to.equal('renewal-under-way');
    await asked.promise;
    expect(await end('looked-for')).to.equal(undefined);
    answer.resolve();
    await ask('looked-for');
    expect(await end('looked-for')).to.equal('renewal-ended');
    const { details } = await database
      .selectFrom('audit_log')
      .select('details')
      .where('act', '=', 'end clearing')
      .where('subject', '=', 'looked-for')
      .executeTakeFirstOrThrow();
    expect(JSON.parse(details)).to.deep.equal({ operator: 'alice', from: cardIdText(OLD), card: cardIdText(NEXT) });
    expect(await rowOf('looked-for')).to.include({ state: 'done', clear_at: null, clear_terminal_id: null });
    expect(started).to.deep.equal([]);
  });

  it('give up a balance that is owed where an operator ends them, and pay it no more', async () => {
    await sql`INSERT INTO renewals (instance_id, product_id, old_card, new_card, suspended, state, clear_at)
      VALUES ('owed', 'purses', ${cardIdText(OLD)}, ${cardIdText(NEXT)}, false, 'done',
        now() + interval '1 h')`.execute(database);
    await sql`INSERT INTO purse_moves
        (instance_id, serial, state, amount, counter, offline_counter, terminal, date_time, tac)
      VALUES ('owed', '42', 'debited', 6, 0, 0, '02', '2026', 'AA')`.execute(database);
    await using renewals = open();
    expect(await renewals.end('owed', 'alice').catch((error) => error.code)).to.equal(undefined);
    expect(await renewals.agree('owed', {}, 'bob').catch((error) => error.code)).to.equal('balance-given-up');
    const { details } = await database
      .selectFrom('audit_log')
      .select('details')
      .where('act', '=', 'end clearing')
      .where('subject', '=', 'owed')
      .executeTakeFirstOrThrow();
    expect(JSON.parse(details)).to.include({ operator: 'alice', amount: '6' });
    const [told] = await renewals.list({ limit: 1 });
    expect(told).to.deep.include({ instanceId: 'owed', balance: { state: 'given-up', amount: 6 } });
  });

  describe('whose balance is owed by a load that is open', () => {
    const insert = async (productState: ProductState): Promise<void> => {
      await sql`INSERT INTO renewals (instance_id, product_id, old_card, new_card, suspended, state, clear_at)
        VALUES ('owed', 'purses', ${cardIdText(OLD)}, ${cardIdText(NEXT)}, false, 'done',
          now() + interval '1 h')`.execute(database);
      await sql`INSERT INTO purse_moves
          (instance_id, serial, state, amount, counter, offline_counter, terminal, date_time, tac)
        VALUES ('owed', '42', 'debited', 6, 0, 0, '02', '2026', 'AA')`.execute(database);
      await sql`INSERT INTO service_instances (instance_id, product_id, card, serial, state, product_state)
        VALUES ('next', 'purses', ${cardIdText(NEXT)}, '43', 21, ${productState})`.execute(database);
      await sql`INSERT INTO loads (load_id, top_up_id, serial, amount, balance_before, counter, terminal, date_time,
          state) VALUES (7, 'renewal owed', '43', 6, 0, 0, '02', '2026', 'reserved')`.execute(database);
    };
    beforeEach(async () => {
      for (const table of ['loads', 'purse_moves'] as const) await database.deleteFrom(table).execute();
    });
    const balanceOf = async (renewals: Renewals) => (await renewals.list({ limit: 1 }))[0]?.balance;

    it('end at an operator’s word that its card never comes, and tell when it came after all', async () => {
      await insert('INVALID');
      await using renewals = open();
      expect(await renewals.end('owed', 'alice').catch((error) => error.code)).to.equal('load-open');
      expect(await balanceOf(renewals)).to.deep.equal({ state: 'debited', amount: 6, load: 'reserved' });
      await renewals.end('owed', 'alice', { cardIsLost: true });
      expect(await balanceOf(renewals)).to.deep.equal({ state: 'given-up', amount: 6, load: 'reserved' });
      expect(await ledgerOf(database, '43'), 'only that card knows').to.include({ platform: 0, open: 1, equal: false });
      const { details } = await database
        .selectFrom('audit_log')
        .select('details')
        .where('act', '=', 'give up load')
        .executeTakeFirstOrThrow();
      const cards = { from: cardIdText(OLD), card: cardIdText(NEXT) };
      expect(JSON.parse(details)).to.deep.equal({
        operator: 'alice',
        ...cards,
        amount: '6',
        loadId: '7',
        serial: '43',
      });
      const again = await renewals.end('owed', 'bob', { cardIsLost: true }).catch((error) => error.code);
      expect(again).to.equal('renewal-ended');
      expect(await renewals.agree('owed', {}, 'bob').catch((error) => error.code)).to.equal('balance-given-up');
      expect(await pruneRenewals(database, -1), 'it may come yet').to.equal(0);
      await settleLoad(database, '7', { state: 'done', tac: 'AA' });
      expect(await balanceOf(renewals)).to.deep.equal({ state: 'given-up', amount: 6, load: 'done' });
      expect(await pruneRenewals(database, -1), 'it was paid twice').to.equal(0);
      expect(await ledgerOf(database, '43')).to.include({ platform: 6, open: 0 });
    });

    it('stay while its card may be loaded, or a flow is at work there', async () => {
      await insert('VALID');
      await using renewals = open();
      const end = () => renewals.end('owed', 'alice', { cardIsLost: true }).catch((error) => error.code);
      expect(await end()).to.equal('card-in-service');
      await sql`UPDATE service_instances SET product_state = 'TERMINATED'`.execute(database);
      await sql`UPDATE renewals SET clear_terminal_id = 't', clear_reader_name = 'r'`.execute(database);
      expect(await end()).to.equal('renewal-under-way');
      expect(await balanceOf(renewals)).to.include({ state: 'debited' });
      await sql`UPDATE renewals SET clear_terminal_id = NULL, clear_reader_name = NULL`.execute(database);
      expect(await end()).to.equal(undefined);
    });

    it('stay where the card says in the same moment that it was made', async () => {
      await insert('TERMINATED');
      await using renewals = open();
      let ended: Promise<string | undefined> | undefined;
      await database.transaction().execute(async (transaction) => {
        await settleLoad(transaction, '7', { state: 'done', tac: 'AA' });
        let isOver = false;
        ended = renewals
          .end('owed', 'alice', { cardIsLost: true })
          .then(
            () => undefined,
            (error) => error.code,
          )
          .finally(() => {
            isOver = true;
          });
        await until('waits for it, or does not', async () => {
          const { rows } = await sql`SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
            AND wait_event_type = 'Lock'`.execute(database);
          return isOver || rows.length > 0;
        });
      });
      expect(await ended).to.equal('renewal-under-way');
      expect(await balanceOf(renewals)).to.deep.equal({ state: 'debited', amount: 6, load: 'done' });
    });
  });

  it('and renewals that nobody answers keep no others waiting', async () => {
    const silent = Promise.withResolvers<CardPlace[]>();
    const looked: string[] = [];
    places = (cardId) => {
      looked.push(cardIdText(cardId));
      return silent.promise;
    };
    // As many as there are places for, and one.
    for (let count = 0; count < 9; count += 1) await renewed(`old${count}`, 'done');
    await using _renewals = open();
    await until('old ones', async () => looked.length === 8);
    const renewal = { old_card: cardIdText(OLD), new_card: cardIdText(NEXT), suspended: false, version_tag: '1.0.0' };
    await database
      .insertInto('renewals')
      .values({ ...renewal, instance_id: 'new', product_id: 'new', state: 'agreed', attempts: 0, looks: 0 } as never)
      .execute();
    bells.ring(RENEWAL_BELL);
    await until('the new one', async () => looked.includes(cardIdText(NEXT)));
    silent.resolve([]);
    await until('the ninth', async () => looked.filter((card) => card === cardIdText(OLD)).length === 9);
  });
});

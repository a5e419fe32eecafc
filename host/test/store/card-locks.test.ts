// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import { CardLocks, LOCK_BELL } from '../../service/provider/card-locks.ts';
import { Bells } from '../../store/bells.ts';
import { cardIdText } from '../../store/card-id.ts';
import { openDatabase } from '../../store/database.ts';
import { addCardLocks, claimCardLocks, hurryCardLocks, settleCardLock } from '../../store/provider/card-locks.ts';
import { PROVIDER_MIGRATIONS, type ProviderTables } from '../../store/provider/schema.ts';
import { provideInstance } from '../../store/provider/service-instances.ts';
import { addDeployment } from '../../store/provider/service-processes.ts';
import type { CardPlace } from '../../wire/message/card-script.ts';
import type { CardId } from '../../wire/message/common.ts';
import { TestDatabase } from '../ota/fixture.ts';

const ID = '00000000-0000-4000-8000-000000000001';
const cardOf = (number: number): CardId => ({
  kind: 'iccid',
  value: `898600000000000007${String(number).padStart(2, '0')}`,
});

/** Lost cards that are looked for: which one is next, and when. No flow is run. */
describe('looks for lost cards', function () {
  this.timeout(60_000);
  let postgres: TestDatabase;
  let database: Kysely<ProviderTables>;

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
    for (const table of ['service_deployments', 'service_instances'] as const)
      await database.deleteFrom(table).execute();
  });

  /** Instances on so many lost cards, whose look is overdue, the first one longest. */
  async function lost(count: number): Promise<void> {
    for (let number = 0; number < count; number += 1) {
      const instanceId = `of-${number}`;
      const names = { productId: 'p', cardId: cardOf(number), instanceId, serial: `41000000000007${number}` };
      await provideInstance(database, names);
      const deployment = { spId: ID, serviceId: ID, versionTag: '1.0.0', flavorId: ID, profileId: ID };
      await addDeployment(database, { ...deployment, instanceId });
      await sql`UPDATE service_instances SET product_state = 'INVALID', state = 22
        WHERE instance_id = ${instanceId}`.execute(database);
      await addCardLocks(database, [instanceId]);
      await sql`UPDATE card_locks SET due_at = now() - interval '1 day' + ${number} * interval '1 s', waits = true
        WHERE instance_id = ${instanceId}`.execute(database);
    }
  }
  const claim = async (atOnce: number) =>
    (await claimCardLocks(database, { claimMs: 60_000, atOnce })).map(({ instanceId }) => instanceId);

  const timesOf = () =>
    database.selectFrom('card_locks').select(['due_at', 'rest_until', 'waits']).executeTakeFirstOrThrow();

  it('and their locks are taken over from a release that did not know what broke', async () => {
    const url = await postgres.server.createDatabase('before');
    const stated = [
      ['broke', 22],
      ['done', 22],
      ['waits', 22],
      ['in-error', 25],
      ['begun', 11],
    ] as const;
    const old = await openDatabase<ProviderTables>({ url, migrations: PROVIDER_MIGRATIONS.slice(0, 26) });
    for (const [number, [instanceId, state]] of stated.entries()) {
      await provideInstance(old, {
        productId: 'p',
        cardId: cardOf(number),
        instanceId,
        serial: `41000000000007${number}`,
      });
      const deployment = { spId: ID, serviceId: ID, versionTag: '1.0.0', flavorId: ID, profileId: ID };
      await addDeployment(old, { ...deployment, instanceId });
      await sql`UPDATE service_instances SET product_state = 'INVALID', state = ${state}
        WHERE instance_id = ${instanceId}`.execute(old);
    }
    await sql`INSERT INTO card_locks (instance_id, card) SELECT instance_id, card FROM service_instances
      WHERE state = 22`.execute(old);
    await sql`INSERT INTO service_processes
        (id, instance_id, sp_id, service_id, version_tag, card, request, start_state, state)
      SELECT instance_id, instance_id, ${ID}, ${ID}, '1.0.0', card, '{"operation": "lock", "locked": true}', 22,
        CASE instance_id WHEN 'broke' THEN 'failed' ELSE 'done' END
      FROM card_locks WHERE instance_id <> 'waits'`.execute(old);
    await old.destroy();
    const now = await openDatabase<ProviderTables>({ url, migrations: PROVIDER_MIGRATIONS });
    const rows = await now.selectFrom('card_locks').select(['instance_id', 'locked']).orderBy('instance_id').execute();
    await now.destroy();
    expect(rows).to.deep.equal([
      { instance_id: 'broke', locked: null },
      { instance_id: 'done', locked: false },
      { instance_id: 'in-error', locked: false },
      { instance_id: 'waits', locked: false },
    ]);
  });

  it('take the card that is here ahead of all that are overdue', async () => {
    await lost(6);
    expect(await hurryCardLocks(database, [cardOf(4)])).to.equal(1);
    expect(await claim(1)).to.deep.equal(['of-4']);
    expect(await claim(1)).to.deep.equal(['of-0']);
  });

  it('are made again at once where the card comes while it was looked for elsewhere', async () => {
    await lost(1);
    const away = { how: 'away', tries: 0, refusals: 0, looks: 12, pauseMs: 600_000 } as const;
    expect(await claim(1)).to.deep.equal(['of-0']);
    await hurryCardLocks(database, [cardOf(0)]);
    expect(await claim(1), 'one look at a time').to.deep.equal([]);
    await settleCardLock(database, 'of-0', away);
    expect(await claim(1)).to.deep.equal(['of-0']);
    await settleCardLock(database, 'of-0', away);
    expect(await claim(1)).to.deep.equal([]);
  });

  it('are made again at once where the card comes while a flow breaks', async () => {
    await lost(1);
    expect(await claim(1)).to.deep.equal(['of-0']);
    await hurryCardLocks(database, [cardOf(0)]);
    const broke = { how: 'ended', tries: 1, refusals: 0, looks: 0, pauseMs: 600_000 } as const;
    await settleCardLock(database, 'of-0', broke);
    expect(await claim(1)).to.deep.equal(['of-0']);
    await settleCardLock(database, 'of-0', broke);
    expect(await claim(1)).to.deep.equal([]);
  });

  const PAUSE_MS = 3_600_000;
  const rests = [
    { tries: 5, refusals: 5, seconds: 0 },
    { tries: 6, refusals: 5, seconds: 5 },
    { tries: 8, refusals: 0, seconds: 20 },
    { tries: 40, refusals: 0, seconds: 120 },
    { tries: 6, refusals: 6, seconds: 600 },
  ];
  for (const { tries, refusals, seconds } of rests)
    it(`are made at a contact ${seconds} s after the last try, of ${tries} and ${refusals} refusals`, async () => {
      await lost(1);
      const failed = { how: 'ended', tries, refusals, looks: 0, pauseMs: PAUSE_MS } as const;
      await claim(1);
      await settleCardLock(database, 'of-0', failed);
      const settled = await timesOf();
      expect(Number(settled.due_at) - Number(settled.rest_until)).to.equal(PAUSE_MS - seconds * 1_000);
      // As long as this test may take.
      if (seconds !== 0)
        await sql`UPDATE card_locks SET rest_until = rest_until + interval '1 hour',
          due_at = due_at + interval '2 hours'`.execute(database);
      const { rest_until: restUntil } = await timesOf();
      // A contact begins the rest not anew.
      for (const _ of ['one', 'two']) await hurryCardLocks(database, [cardOf(0)]);
      if (seconds === 0) expect(await claim(1)).to.deep.equal(['of-0']);
      else expect(await timesOf()).to.deep.include({ due_at: restUntil, rest_until: restUntil });
      await sql`UPDATE card_locks SET due_at = now() + interval '1 hour', rest_until = now()`.execute(database);
      await hurryCardLocks(database, [cardOf(0)]);
      if (seconds !== 0) expect(await claim(1), 'it has rested').to.deep.equal(['of-0']);
      await hurryCardLocks(database, [cardOf(0)]);
      await settleCardLock(database, 'of-0', failed);
      const meanwhile = await timesOf();
      expect(meanwhile.due_at, 'it came while it was tried').to.deep.equal(meanwhile.rest_until);
      await settleCardLock(database, 'of-0', { ...failed, how: 'away' });
      expect((await timesOf()).rest_until, 'a look is no try').to.deep.equal(meanwhile.rest_until);
      await addCardLocks(database, ['of-0']);
      expect(await claim(1), 'the product has moved').to.deep.equal(['of-0']);
    });

  it('keep no other card waiting, however many instances one of them has', async () => {
    await lost(10);
    await sql`UPDATE card_locks SET card = ${cardIdText(cardOf(0))} WHERE instance_id <> 'of-9'`.execute(database);
    await hurryCardLocks(database, [cardOf(0)]);
    expect(await claim(8)).to.have.members(['of-0', 'of-9']);
    await settleCardLock(database, 'of-0', { how: 'underWay', tries: 0, refusals: 0, looks: 0, pauseMs: 0 });
    await sql`UPDATE card_locks SET terminal_id = 't', reader_name = 'r', locking = true
      WHERE instance_id = 'of-0'`.execute(database);
    const options = { claimMs: 60_000, atOnce: 8 };
    expect(await claimCardLocks(database, { ...options, except: [cardOf(0)] })).to.deep.equal([]);
    expect(await claim(8), 'what is under way there').to.deep.equal(['of-0']);
    await settleCardLock(database, 'of-0', { how: 'ended', tries: 0, refusals: 0, looks: 0, pauseMs: 3_600_000 });
    expect(await claim(8)).to.deep.equal(['of-1']);
  });

  it('take one turn of a card at a time, and those of others beside it', async () => {
    await lost(5);
    // Each is looked for once today, however slow this machine is.
    await sql`UPDATE card_locks SET looks = 40`.execute(database);
    await sql`UPDATE card_locks SET card = CASE WHEN instance_id < 'of-3' THEN ${cardIdText(cardOf(0))} ELSE card END,
      due_at = CASE instance_id WHEN 'of-4' THEN now() + interval '1 day' ELSE due_at END`.execute(database);
    const asked: string[] = [];
    const first = Promise.withResolvers<CardPlace[]>();
    const placesOf = async (cardId: CardId): Promise<CardPlace[]> => {
      asked.push(cardIdText(cardId));
      return cardIdText(cardId) === cardIdText(cardOf(0)) ? first.promise : [];
    };
    const never = () => expect.fail('no flow is begun');
    const bells = new Bells();
    const processes = { start: never, state: never };
    await using _locks = new CardLocks({ database, bells, processes, placesOf, onFailure: () => {} });
    const until = async (what: string, is: () => boolean | Promise<boolean>) => {
      for (const deadline = Date.now() + 20_000; !(await is()); await delay(5))
        if (Date.now() > deadline) expect.fail(`not seen: ${what}: ${asked.join(' ')}`);
    };
    try {
      await until('both cards', () => asked.length === 2);
      // The first card has two more that are due longer than this one is.
      await sql`UPDATE card_locks SET due_at = now() WHERE instance_id = 'of-4'`.execute(database);
      bells.ring(LOCK_BELL);
      await until('the third card', () => asked.length > 2);
      expect(asked.toSorted()).to.deep.equal([cardOf(0), cardOf(3), cardOf(4)].map(cardIdText));
    } finally {
      first.resolve([]);
    }
    await until('the other two', () => asked.length === 5);
  });

  it('are further and further apart, up to a day', async () => {
    await lost(2);
    await sql`UPDATE card_locks SET looks = CASE instance_id WHEN 'of-0' THEN 9 ELSE 40 END`.execute(database);
    const asked: string[] = [];
    const placesOf = async (cardId: CardId): Promise<CardPlace[]> => {
      asked.push(cardIdText(cardId));
      return [];
    };
    const never = () => expect.fail('no flow is begun');
    const bells = new Bells();
    const processes = { start: never, state: never };
    await using _locks = new CardLocks({ database, bells, processes, placesOf, onFailure: () => {} });
    const read = () =>
      database.selectFrom('card_locks').select(['looks', 'due_at', 'waits']).orderBy('looks').execute();
    for (
      const deadline = Date.now() + 20_000;
      (await read()).some(({ looks }) => looks === 9 || looks === 40);
      await delay(5)
    )
      if (Date.now() > deadline) expect.fail('not looked for');
    const hours = (await read()).map(({ due_at: dueAt }) => Math.round((Number(dueAt) - Date.now()) / 360_000) / 10);
    expect(hours).to.deep.equal([0.7, 24]);
    expect(asked.toSorted()).to.deep.equal([cardOf(0), cardOf(1)].map(cardIdText));
  });
});

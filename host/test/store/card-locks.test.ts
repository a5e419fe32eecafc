// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import { CardLocks } from '../../service/provider/card-locks.ts';
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

  it('are not made for a card that refuses for good as often as it is said to be here', async () => {
    await lost(1);
    const minutes = async () => {
      const { due_at: dueAt } = await database.selectFrom('card_locks').select('due_at').executeTakeFirstOrThrow();
      return Math.round((Number(dueAt) - Date.now()) / 60_000);
    };
    await claim(1);
    await hurryCardLocks(database, [cardOf(0)]);
    await settleCardLock(database, 'of-0', { how: 'ended', tries: 9, refusals: 6, looks: 0, pauseMs: 3_600_000 });
    expect(await minutes()).to.equal(60);
    await hurryCardLocks(database, [cardOf(0)]);
    expect(await minutes()).to.equal(10);
    await sql`UPDATE card_locks SET due_at = now() + interval '1 minute'`.execute(database);
    await hurryCardLocks(database, [cardOf(0)]);
    expect(await minutes()).to.equal(1);
    await addCardLocks(database, ['of-0']);
    expect(await claim(1), 'the product has moved').to.deep.equal(['of-0']);
  });

  it('are made at each contact, however often the link broke, and until the sixth refusal', async () => {
    await lost(1);
    for (const refusals of [0, 5]) {
      const broke = { how: 'ended', tries: 40, refusals, looks: 0, pauseMs: 3_600_000 } as const;
      expect(await claim(1)).to.deep.equal(['of-0']);
      await settleCardLock(database, 'of-0', broke);
      expect(await claim(1)).to.deep.equal([]);
      await hurryCardLocks(database, [cardOf(0)]);
      expect(await claim(1), `${refusals} refusals`).to.deep.equal(['of-0']);
      await hurryCardLocks(database, [cardOf(0)]);
      await settleCardLock(database, 'of-0', broke);
    }
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

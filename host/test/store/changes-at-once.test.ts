// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import { ServiceCatalogue } from '../../service/provider/services/service-catalogue.ts';
import { ServiceInstances } from '../../service/provider/services/service-instances.ts';
import { TsmsBackend } from '../../service/provider/tsms/backend.ts';
import { AuditLog } from '../../store/audit-log.ts';
import { openDatabase } from '../../store/database.ts';
import { agreeToRenewal, findRenewal } from '../../store/provider/renewals.ts';
import { PROVIDER_MIGRATIONS, type ProviderTables } from '../../store/provider/schema.ts';
import { provideInstance } from '../../store/provider/service-instances.ts';
import { addDeployment, setInstanceState } from '../../store/provider/service-processes.ts';
import { applySnapshot, applyStateChange } from '../../store/provider/state-changes.ts';
import type { CardId } from '../../wire/message/common.ts';
import { INSTANCE_STATE, type ProductState } from '../../wire/message/platform.ts';
import { TestDatabase } from '../ota/fixture.ts';
import { testPki } from '../rest/fixture.ts';

/** Two that change the same rows of a provider in one moment: who comes second sees what the first has done. */
describe('changes of a provider’s rows at once', function () {
  this.timeout(60_000);
  let postgres: TestDatabase;
  let database: Kysely<ProviderTables>;
  let serviceId = '';
  let spId = '';
  const cards = ['1', '2', '3', '4', '5'].map(
    (last): CardId => ({ kind: 'iccid', value: `8986000000000000066${last}` }),
  );
  const card = (index: number): CardId => cards[index] ?? expect.fail();

  before(async () => {
    postgres = await TestDatabase.start();
    const url = await postgres.server.createDatabase('provider');
    database = await openDatabase<ProviderTables>({ url, migrations: PROVIDER_MIGRATIONS });
    const backend = new TsmsBackend(database, new AuditLog(database), 'F000000001');
    ({ spId } = await backend.createProvider('sp', 'test'));
    const provider = { spId, name: 'sp' };
    const idOf = async (
      operation: 'createCertAndUploadBinary' | 'createSposConfig' | 'createService',
      sent: object,
    ) => {
      const made = await backend.run({ operation, provider, params: {}, ...sent });
      return made !== undefined && 'json' in made ? String(Object(made.json).id) : '';
    };
    const { certificate } = await (await testPki()).identity({ role: 'front', id: 'spos' });
    const upload = { fileName: 'spos.pem', bytes: new TextEncoder().encode(certificate) };
    const certificateId = await idOf('createCertAndUploadBinary', { upload });

    const sposConfigId = await idOf('createSposConfig', { body: { url: 'https://spos.invalid/', certificateId } });
    serviceId = await idOf('createService', { body: { name: 's', sposConfigId } });
  });
  after(async () => {
    await database?.destroy();
    await postgres?.[Symbol.asyncDispose]();
  });

  /** An instance of the service on this card, deployed. */
  async function deployed(cardId: CardId): Promise<string> {
    const instanceId = randomUUID();
    const serial = `410000000000${cardId.value.slice(-4)}`;
    await provideInstance(database, { productId: serviceId, cardId, instanceId, serial });
    const chosen = { versionTag: '1.0.0', flavorId: instanceId, profileId: instanceId };
    await addDeployment(database, { instanceId, spId, serviceId, ...chosen });
    await setInstanceState(database, instanceId, INSTANCE_STATE.OPERATIONAL);
    return instanceId;
  }

  const change = (cardId: CardId, to: ProductState, replacedBy?: CardId) =>
    applyStateChange(database, {
      eventId: '1',
      cardId,
      productId: serviceId,
      from: 'VALID',
      to,
      sequence: 1,
      ...(replacedBy === undefined ? {} : { replacedBy }),
    });

  /** `second` begins while `first` is not committed, and waits for it. */
  async function atOnce<T>(first: (transaction: Kysely<ProviderTables>) => Promise<unknown>, second: () => Promise<T>) {
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const { promise: waiting, resolve: commit } = Promise.withResolvers<void>();
    const one = database.transaction().execute(async (transaction) => {
      await first(transaction);
      begin();
      await waiting;
    });
    await begun;
    const other = second();
    try {
      const blocked = () =>
        sql`SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`.execute(
          database,
        );
      while ((await blocked()).rows.length === 0) await new Promise((resolve) => setImmediate(resolve));
    } finally {
      commit();
    }
    await one;
    return other;
  }

  it('agree to one of two renewals onto a card, and answer both who ask', async () => {
    const [first, second, successor] = [card(0), card(1), card(2)];
    const instances = [await deployed(first), await deployed(second)];
    for (const old of [first, second]) await change(old, 'TERMINATED', successor);
    const service = new ServiceInstances(database, new ServiceCatalogue(database));
    const [, chosen = ''] = instances;
    const found = await atOnce(
      (transaction) => agreeToRenewal(transaction, chosen, undefined),
      () => service.find({ serviceId, cards }, 'urn:opentsm:front:a'),
    );
    expect(found.map(({ serviceInstanceId }) => serviceInstanceId)).to.deep.equal(instances);
    const states = await Promise.all(instances.map((id) => findRenewal(database, id)));
    expect(states.map((renewal) => renewal?.state)).to.deep.equal(['waiting', 'agreed']);
  });

  it('agree for a holder however often others come between', async () => {
    const cards = ['6', '7'].map((last): CardId => ({ kind: 'iccid', value: `8986000000000000066${last}` }));
    const [old, successor] = cards as [CardId, CardId];
    const instanceId = await deployed(old);
    await change(old, 'TERMINATED', successor);
    // What PostgreSQL says of a circle of waiting transactions, and twice of a card that another one was agreed for.
    await sql
      .raw(`
      CREATE SEQUENCE crossings;
      CREATE FUNCTION come_between() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        CASE nextval('crossings') WHEN 1 THEN RAISE deadlock_detected; WHEN 2, 3 THEN RAISE unique_violation;
          ELSE RETURN NEW; END CASE; END $$;
      CREATE TRIGGER come_between BEFORE UPDATE ON renewals FOR EACH ROW EXECUTE FUNCTION come_between()`)
      .execute(database);
    const service = new ServiceInstances(database, new ServiceCatalogue(database));
    expect(await service.find({ serviceId, cards }, 'urn:opentsm:front:a')).to.have.length(1);
    expect(await findRenewal(database, instanceId)).to.include({ state: 'agreed' });
    await sql.raw('DROP FUNCTION come_between CASCADE; DROP SEQUENCE crossings').execute(database);
  });

  const ENDS: Readonly<Record<string, (cardId: CardId) => Promise<unknown>>> = {
    'a change': (cardId) => change(cardId, 'INVALID'),
    'a snapshot': (cardId) => {
      const products = [{ productId: serviceId, state: 'INVALID' as const }];
      return applySnapshot(database, cardId, { reason: 'sequence-gap', sequence: 9, products });
    },
  };
  for (const [index, [how, block]] of Object.entries(ENDS).entries()) {
    it(`tell a server by ${how} of the issuer nothing that its own process has done`, async () => {
      const cardId = card(3 + index);
      const instanceId = await deployed(cardId);
      await atOnce(
        (transaction) =>
          transaction
            .updateTable('service_instances')
            .set({ state: INSTANCE_STATE.SUSPENDED, suspended: true })
            .where('instance_id', '=', instanceId)
            .execute(),
        () => block(cardId),
      );
      const told = await database
        .selectFrom('spos_notices')
        .select('result')
        .where('instance_id', '=', instanceId)
        .execute();
      expect(told.map(({ result }) => [result.serviceStartState, result.serviceEndState])).to.deep.equal([]);
    });
  }
});

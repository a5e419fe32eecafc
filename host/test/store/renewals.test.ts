// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import { cardIdText } from '../../store/card-id.ts';
import { openDatabase } from '../../store/database.ts';
import { reserveDebit, settleCredit, settleDebit } from '../../store/provider/purse-moves.ts';
import {
  agreeForHolder,
  agreeToRenewal,
  CARD_AWAY,
  claimClearings,
  claimRenewals,
  endClearing,
  endRenewal,
  findRenewal,
  keepReader,
  listRenewals,
  pruneRenewals,
  settleRenewal,
} from '../../store/provider/renewals.ts';
import { PROVIDER_MIGRATIONS, type ProviderTables } from '../../store/provider/schema.ts';
import { provideInstance } from '../../store/provider/service-instances.ts';
import { addDeployment, setInstanceState } from '../../store/provider/service-processes.ts';
import { applyStateChange } from '../../store/provider/state-changes.ts';
import type { CardId } from '../../wire/message/common.ts';
import { INSTANCE_STATE } from '../../wire/message/platform.ts';
import { TestDatabase } from '../ota/fixture.ts';

const HOUR_MS = 3_600_000;
const PRODUCT = 'transit';
const ID = '00000000-0000-4000-8000-000000000001';

/** Two cards of one user, and the issuer names the same one as the successor of both. */
describe('table of renewals', function () {
  this.timeout(60_000);
  let postgres: TestDatabase;
  let database: Kysely<ProviderTables>;
  const cards = ['1', '2', '3'].map((last): CardId => ({ kind: 'iccid', value: `8986000000000000055${last}` }));
  const successor = cards[2] ?? expect.fail();
  const claim = () => claimRenewals(database, { claimMs: HOUR_MS, atOnce: 8 });
  const agree = () => agreeForHolder(database, PRODUCT, cards);
  const settled = (reason: string, attempts = 0) =>
    settleRenewal(database, 'first', { state: 'agreed', attempts, looks: 3, pauseMs: HOUR_MS, reason });

  before(async () => {
    postgres = await TestDatabase.start();
    const url = await postgres.server.createDatabase('provider');
    database = await openDatabase<ProviderTables>({ url, migrations: PROVIDER_MIGRATIONS });
    for (const [i, instanceId] of ['first', 'second'].entries()) {
      const cardId = cards[i] ?? expect.fail();
      await provideInstance(database, { productId: PRODUCT, cardId, instanceId, serial: `410000000000055${i}` });
      const service = { spId: ID, serviceId: ID, versionTag: '1.0.0', flavorId: ID, profileId: ID };
      await addDeployment(database, { ...service, instanceId });
      await setInstanceState(database, instanceId, INSTANCE_STATE.OPERATIONAL);
      const change = { eventId: String(i + 1), cardId, productId: PRODUCT, from: 'VALID', to: 'TERMINATED' } as const;
      await applyStateChange(database, { ...change, sequence: 1, replacedBy: successor });
    }
  });
  after(async () => {
    await database?.destroy();
    await postgres?.[Symbol.asyncDispose]();
  });

  it('lets one of two go onto a card at their holder’s word, and the other at nobody’s meanwhile', async () => {
    expect(await findRenewal(database, 'second')).to.include({ state: 'waiting' });
    const { agreed } = await agree();
    expect(agreed.map(({ instanceId }) => instanceId)).to.deep.equal(['first']);
    expect(await agree()).to.deep.equal({ agreed: [], due: 0 });
    expect(await agreeToRenewal(database, 'second', undefined)).to.equal('other');
    expect(await findRenewal(database, 'second')).to.include({ state: 'waiting' });
  });

  it('brings no purse anywhere at a holder’s word', async () => {
    const [old, next] = cards.map((card) => cardIdText(card));
    await sql`INSERT INTO renewals (instance_id, product_id, old_card, new_card, suspended, state)
      VALUES ('a-purse', 'purses', ${old}, ${next}, false, 'waiting')`.execute(database);
    expect((await agreeForHolder(database, 'purses', cards)).agreed).to.deep.equal([]);
    expect(await endRenewal(database, 'a-purse')).to.include({ state: 'waiting' });
  });

  it('looks for a card at once when its holder is there, and hurries nothing else', async () => {
    expect(await claim()).to.have.length(1);
    expect((await agree()).due, 'under way').to.equal(0);
    await agreeToRenewal(database, 'first', undefined);
    expect(await claim(), 'still another’s').to.deep.equal([]);
    await settled(CARD_AWAY);
    expect((await agree()).due).to.equal(1);
    expect((await claim()).map(({ looks }) => looks)).to.deep.equal([0]);
    expect((await agree()).due, 'under way again').to.equal(0);
    await settled('refused', 1);
    expect((await agree()).due, 'just failed').to.equal(0);
    expect(await claim()).to.deep.equal([]);
  });

  it('keeps the reader of an attempt to its end, whichever is named meanwhile', async () => {
    const [begun, named] = ['begun', 'named'].map((readerName) => ({ terminalId: 't', readerName }));
    await keepReader(database, 'first', begun ?? expect.fail());
    const going = { state: 'agreed', attempts: 1, looks: 0, pauseMs: 0 } as const;
    await settleRenewal(database, 'first', { ...going, underWay: true });
    await agreeToRenewal(database, 'first', named);
    expect((await claim())[0]?.reader).to.deep.equal(begun);
    await settleRenewal(database, 'first', { ...going, attempts: 2 });
    expect((await claim())[0]?.reader).to.deep.equal(named);
  });

  it('forgets one that waits, and none that is under way', async () => {
    expect(await endRenewal(database, 'first')).to.equal(undefined);
    await settled(CARD_AWAY, 2);
    expect(await endRenewal(database, 'first')).to.include({ instanceId: 'first' });
    expect(await findRenewal(database, 'first')).to.equal(undefined);
    expect(await agreeToRenewal(database, 'second', undefined)).to.include({ state: 'agreed' });
  });

  it('are told by state, card and product, page by page, and forgotten when they have come to a good end', async () => {
    await sql`
      INSERT INTO renewals (instance_id, product_id, old_card, new_card, suspended, state, at, due_at)
      SELECT 'old-' || n, 'p' || n % 2, 'iccid:' || n, 'iccid:' || n + 1, false,
        (ARRAY['done', 'taken', 'failed', 'waiting'])[n % 4 + 1], now() - interval '1 day' * (n / 2),
        now() - interval '1 day' * n FROM generate_series(1, 12) AS n`.execute(database);
    const ids = async (query: object) =>
      (await listRenewals(database, { limit: 100, ...query })).map(({ instanceId }) => instanceId);
    const all = await ids({});
    const page = (after?: string) => ids({ limit: 5, ...(after === undefined ? {} : { after }) });
    const first = await page();
    const second = await page(first.at(-1));
    expect([...first, ...second, ...(await page(second.at(-1)))]).to.deep.equal(all);
    expect(all).to.have.length(13);
    expect(await ids({ state: 'failed' })).to.deep.equal(['old-2', 'old-6', 'old-10']);
    expect(await ids({ card: 'iccid:7' })).to.deep.equal(['old-7', 'old-6']);
    expect(await ids({ productId: 'p1', state: 'taken' })).to.deep.equal(['old-1', 'old-5', 'old-9']);
    await sql`
      INSERT INTO renewals (instance_id, product_id, old_card, new_card, suspended, state, due_at, clear_at)
      SELECT 'many-' || n, 'many', 'iccid:1', 'iccid:2', false, 'done', now() - interval '6 days',
        CASE WHEN n = 1 THEN now() END FROM generate_series(1, 1001) AS n`.execute(database);
    await sql`
      INSERT INTO purse_moves (instance_id, serial, state, amount, counter, offline_counter, terminal, date_time, tac)
      VALUES ('many-2', '41', 'debiting', 5, 0, 0, '01', '2026', NULL),
        ('many-3', '42', 'debited', 6, 0, 0, '02', '2026', 'AA'),
        ('many-4', '43', 'credited', 7, 0, 0, '03', '2026', 'BB')`.execute(database);
    const kept = 'all but what is to be taken off, or is owed';
    expect(await pruneRenewals(database, 5), kept).to.equal(1_002);
    const owed = await listRenewals(database, { limit: 10, productId: 'many' });
    expect(owed.map(({ balance }) => balance?.state).sort()).to.deep.equal(['debited', 'debiting', undefined]);
    expect(await ids({ productId: 'many' })).to.deep.equal(['many-3', 'many-2', 'many-1']);
    await sql`DELETE FROM renewals WHERE product_id = 'many'`.execute(database);
    const left = await ids({});
    expect(all.filter((id) => !left.includes(id))).to.have.members(['old-5', 'old-8', 'old-9', 'old-12']);
  });

  it('look for the new card as soon as a balance is owed to it, not in the reader of the old one', async () => {
    await sql`INSERT INTO renewals (instance_id, product_id, old_card, new_card, suspended, state, clear_at,
        clear_terminal_id, clear_reader_name)
      VALUES ('moved', 'purses', 'iccid:1', 'iccid:2', false, 'done', now(), 't', 'of the old card')`.execute(database);
    const debit = { instanceId: 'moved', serial: '4100000000000559', amount: 5, counter: 1, offlineCounter: 0 };
    const made = { ...debit, terminal: '010203040506', dateTime: '20261126120000' };
    expect(await reserveDebit(database, made)).to.equal(true);
    expect(await reserveDebit(database, made), 'once').to.equal(false);
    await settleDebit(database, made, 'F5B221C9');
    const claimed = async () => {
      const claims = { claimMs: HOUR_MS, atOnce: 8, giveUpMs: HOUR_MS, payments: 'renewal ' };
      return (await claimClearings(database, claims)).map(({ instanceId, owed, reader, newCard }) => [
        ...[instanceId, owed, reader, newCard.value],
      ]);
    };
    const again = () => sql`UPDATE renewals SET clear_at = now() WHERE instance_id = 'moved'`.execute(database);
    const place = async (last: number) => {
      const names = { instanceId: `there-${last}`, serial: `410000000000056${last}` };
      const cardId = { kind: 'iccid', value: String(last) } as const;
      await provideInstance(database, { productId: 'purses', cardId, ...names });
      await setInstanceState(database, names.instanceId, INSTANCE_STATE.OPERATIONAL);
    };
    expect(await claimed(), 'nothing is there yet').to.deep.equal([]);
    await place(2);
    await again();
    expect(await claimed()).to.deep.equal([['moved', 5, undefined, '2']]);
    // The new card is replaced in its turn.
    await sql`UPDATE service_instances SET product_state = 'TERMINATED' WHERE instance_id = 'there-2'`.execute(
      database,
    );
    await again();
    expect(await claimed(), 'no card may be loaded').to.deep.equal([]);
    await place(3);
    await sql`INSERT INTO renewals (instance_id, product_id, old_card, new_card, suspended, state)
      VALUES ('there-2', 'purses', 'iccid:2', 'iccid:3', false, 'waiting')`.execute(database);
    await again();
    expect(await claimed(), 'nobody has agreed').to.deep.equal([]);
    await sql`UPDATE renewals SET state = 'done' WHERE instance_id = 'there-2'`.execute(database);
    await sql`INSERT INTO loads (top_up_id, serial, amount, balance_before, counter, terminal, date_time, state)
      VALUES ('renewal moved', '4100000000000562', 5, 0, 0, '01', '2026', 'reserved')`.execute(database);
    await again();
    expect(await claimed(), 'it may have been paid there').to.deep.equal([]);
    await sql`DELETE FROM loads`.execute(database);
    await again();
    expect(await claimed()).to.deep.equal([['moved', 5, undefined, '3']]);
    expect(await settleCredit(database, 'moved', 'a payment'), 'nothing was loaded').to.equal(false);
    const balance = { state: 'given-up', amount: 5 };
    expect(await endClearing(database, 'moved', 'a payment')).to.deep.include({ instanceId: 'moved', balance });
    expect(await findRenewal(database, 'moved')).to.deep.include({ balance });
    expect(await agreeToRenewal(database, 'moved', undefined), 'a clerk has paid it').to.equal(undefined);
    expect(await findRenewal(database, 'moved')).not.to.have.property('clearAt');
  });
});

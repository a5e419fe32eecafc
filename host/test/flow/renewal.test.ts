// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { Type } from 'typebox';
import { PeerError, TransportError } from '../../errors.ts';
import type { RestClient } from '../../rest/client.ts';
import { renewalRoutes } from '../../rest/routes/provider/renewals.ts';
import { cardIdText } from '../../store/card-id.ts';
import { provideInstance } from '../../store/provider/service-instances.ts';
import { setInstanceState } from '../../store/provider/service-processes.ts';
import type { CardPlace } from '../../wire/message/card-script.ts';
import type { CardId } from '../../wire/message/common.ts';
import {
  type ProductState,
  type ProductStateChange,
  type Renewal,
  Renewal as RenewalMessage,
  INSTANCE_STATE as S,
} from '../../wire/message/platform.ts';
import type { Instance } from '../../wire/message/service-instance.ts';
import { TestServer } from '../rest/fixture.ts';
import type { InProcess } from './in-process.ts';
import { ServiceDesk } from './service-desk.ts';
import { insertWithPurse, instanceOf, sharedProducts } from './shared-products.ts';

const FRONT = 'urn:opentsm:front:a';

/** A card takes the place of another one: what was on that comes onto it, with keys of its own and no money. */
describe('renewal of a secure element', function () {
  this.timeout(240_000);
  type Made = Awaited<ReturnType<InProcess['insertMade']>>;
  let world: InProcess;
  let desk: ServiceDesk;
  let purse: Awaited<ReturnType<typeof insertWithPurse>>;
  let instance: Instance;
  /** Reader of the card that nobody brings. */
  let away = 'renewal-service-old';
  const cards: Record<string, Made> = {};
  const card = (name: string): Made => cards[name] ?? expect.fail(`there is no card ${name}`);

  before(async () => {
    world = await sharedProducts();
    world.products.between.places = placesOf;
    purse = await insertWithPurse(world, 'renewal-old');
    desk = await ServiceDesk.open(world);
    for (const name of ['new', 'service-old', 'service-new', 'other']) {
      cards[name] = await world.insertMade(`renewal-${name}`);
    }
    instance = await desk.create(card('service-old').cardId);
    const all = { operation: 'deploy', commands: ['I', 'P', 'A'], finalize: true } as const;
    await desk.run(instance, 'renewal-service-old', { ...all, commands: [...all.commands] });
    expect((await desk.get(instance)).state).to.equal(S.OPERATIONAL);
  });
  after(() => {
    for (const name of ['places', 'beforeChange'] as const) delete world?.products.between[name];
  });

  /** Phones that bring these cards, each into the reader of its own. */
  function placesOf(cardId: CardId): CardPlace[] {
    const found = Object.values(cards).find((one) => cardIdText(one.cardId) === cardIdText(cardId));
    if (found === undefined || found.readerName === away) return [];
    return [{ terminalId: 't', readerName: found.readerName, insertion: String(found.seat.insertion), named: true }];
  }
  const replace = (old: CardId, replacedBy: CardId) =>
    world.products.secureElements.move(old.value, { state: 'REPLACED', replacedBy }, 'operator');
  const renewalOf = async (old: CardId): Promise<Renewal | undefined> =>
    (await world.products.renewals.list({ limit: 500, card: cardIdText(old) })).find(
      ({ oldCard }) => cardIdText(oldCard) === cardIdText(old),
    );
  async function until<T>(what: string, look: () => Promise<T>, is: (seen: T) => boolean): Promise<T> {
    const deadline = Date.now() + 60_000;
    for (;;) {
      const seen = await look();
      if (is(seen)) return seen;
      if (Date.now() > deadline) throw new TransportError('not-seen', `${what}: ${JSON.stringify(seen)}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  const untilState = (old: CardId, state: Renewal['state']) =>
    until(
      state,
      () => renewalOf(old),
      (seen) => seen?.state === state,
    );
  const productOn = async (cardId: CardId): Promise<ProductState> => (await instanceOf(world, { cardId })).productState;
  const noteOn = (old: CardId) =>
    until(
      'terminated',
      () => productOn(old),
      (state) => state === 'TERMINATED',
    );

  it('waits for a provider that is away, and is noted once however often it is said', async () => {
    const { products } = world;
    const old = { readerName: 'renewal-old', cardId: purse.card.cardId };
    expect((await products.topUp(old, 500)).outcome).to.equal('credited');
    const told: ProductStateChange[] = [];
    products.between.beforeChange = async (change) => {
      told.push(change);
      throw new TransportError('unreachable', 'the provider is down');
    };
    await replace(old.cardId, card('new').cardId);
    await until(
      'told',
      async () => told.length,
      (times) => times > 0,
    );
    expect(await productOn(old.cardId)).to.equal('VALID');
    delete products.between.beforeChange;
    await noteOn(old.cardId);
    const noted = { state: 'waiting', newCard: card('new').cardId, attempts: 0 } as const;
    expect(await renewalOf(old.cardId)).to.deep.include(noted);
    const { sequence, ...said } = told[0] ?? expect.fail('nothing was told');
    const again = { ...said, sequence: sequence + 1, eventId: String(Number.MAX_SAFE_INTEGER) };
    await products.productStates.change({ ...again, replacedBy: card('other').cardId }, 'issuer');
    expect(await renewalOf(old.cardId)).to.deep.include(noted);
    expect((await products.topUp(old, 100)).outcome).to.equal('refused');
  });

  it('is not tried while nobody says where the card is, and anew after refusals as often as before', async () => {
    const { products } = world;
    const { cardId, seat } = card('new');
    const old = purse.card.cardId;
    const untilTried = (attempts: number) =>
      until(
        `${attempts} attempts`,
        () => renewalOf(old),
        (seen) => seen?.attempts === attempts,
      );
    const agree = () => products.renewals.agree(purse.instance.instanceId, {}, 'operator');
    const { id: reportId } = await products.reportLoss(cardId);
    const { provider } = world;
    await provider.database
      .updateTable('renewals')
      .set({ attempts: 7 })
      .where('instance_id', '=', purse.instance.instanceId)
      .execute();
    products.between.places = () => {
      throw new PeerError('forbidden', 'not your card', { status: 403 });
    };
    await agree();
    const looked = await until(
      'looked for',
      () => renewalOf(old),
      (seen) => seen?.reason !== undefined,
    );
    expect(looked).to.include({ state: 'agreed', attempts: 7, reason: 'not your card' });
    expect(seat.sent, 'nothing was sent').to.deep.equal([]);

    products.between.places = placesOf;
    await agree();
    expect(await untilTried(8), 'refused').to.include({ state: 'failed' });
    await agree();
    expect(await untilTried(9), 'the first of eight').to.include({ state: 'agreed' });
    products.between.places = () => [];
    await products.products.closeLossReport(reportId, 'operator');
  });

  it('brings the purse onto the new card at an operator’s word: empty, with serial and keys of its own', async () => {
    const { products } = world;
    const { cardId } = card('new');
    products.between.places = placesOf;
    await products.renewals.agree(purse.instance.instanceId, {}, 'operator');
    await untilState(purse.card.cardId, 'done');
    const renewed = await instanceOf(world, { cardId });
    expect(renewed).to.include({ state: S.OPERATIONAL, productState: 'VALID' });
    expect(renewed.serial).not.to.equal(purse.instance.serial);
    const place = { readerName: 'renewal-new', cardId };
    expect(await products.ledger(place, renewed.serial)).to.deep.include({ platform: 0, loads: 0, equal: true });
    expect((await products.topUp(place, 300)).outcome).to.equal('credited');
    expect(await products.ledger(place, renewed.serial)).to.deep.include({ platform: 300, equal: true });
    const ledger = await products.productStates.ledger(purse.instance.serial);
    expect(ledger, 'what was on the old one is still owed').to.deep.include({ platform: 500, open: 0, equal: true });
  });

  it('is no word of the issuer alone: a card of somebody else gets nothing', async () => {
    const [old, next, other] = [card('service-old'), card('service-new'), card('other')];
    await replace(old.cardId, next.cardId);
    await untilState(old.cardId, 'waiting');
    const find = (held: Made[], front?: string) =>
      world.products.services.instances.find(
        { serviceId: desk.serviceId, cards: held.map(({ cardId }) => cardId) },
        front,
      );
    // The user of the old card, who holds another one; and the user of the new card.
    expect(await find([old, other], FRONT)).to.have.length(1);
    expect(await find([next], FRONT)).to.deep.equal([]);
    expect(await find([next, other], FRONT)).to.deep.equal([]);
    // An operator who looks.
    expect(await find([old, next])).to.have.length(1);
    expect(await renewalOf(old.cardId)).to.include({ state: 'waiting', attempts: 0 });
    expect(next.seat.sent).to.deep.equal([]);
  });

  it('goes on as soon as one user is seen to hold both cards', async () => {
    const [old, next] = [card('service-old'), card('service-new')];
    const held = { serviceId: desk.serviceId, cards: [old.cardId, next.cardId] };
    await world.products.services.instances.find(held, FRONT);
    const { details } = await world.provider.database
      .selectFrom('audit_log')
      .select('details')
      .where('act', '=', 'agree to renewal')
      .where('subject', '=', instance.serviceInstanceId)
      .executeTakeFirstOrThrow();
    const word = { front: FRONT, from: cardIdText(old.cardId), card: cardIdText(next.cardId) };
    expect(JSON.parse(details)).to.deep.equal(word);
    await untilState(old.cardId, 'done');
    const found = await world.products.services.instances.find(held, FRONT);
    expect(found.map(({ cardId, state, productState }) => [cardId.value, state, productState])).to.deep.equal([
      [old.cardId.value, S.SUSPENDED, 'TERMINATED'],
      [next.cardId.value, S.OPERATIONAL, 'VALID'],
    ]);
    expect(await desk.selected(next.seat)).to.equal('9000');
  });

  it('takes off what is left on the old card where that turns up, and lets nothing else be done with it', async () => {
    const [{ seat, cardId }, next] = [card('service-old'), card('service-new')];
    expect(await desk.selected(seat), 'nobody has brought it').to.equal('9000');
    const resumed = await desk
      .run(instance, 'renewal-service-old', { operation: 'suspension', suspend: false })
      .catch((error) => error);
    expect(resumed.context.executionStatus).to.equal(13);
    await untilState(cardId, 'done');
    expect(await renewalOf(cardId), 'looked for').to.have.property('clearAt');
    away = '';
    const held = { serviceId: desk.serviceId, cards: [cardId, next.cardId] };
    // The app of its user asks, who has it in the hand.
    await world.products.services.instances.find(held, FRONT);
    await until(
      'gone',
      () => world.products.services.instances.find(held),
      (found) => found.length === 1,
    );
    expect(await desk.selected(seat)).to.equal('6A82');
    expect(await desk.selected(next.seat)).to.equal('9000');
    // Who has ended it notes that a moment after the instance is gone.
    await until(
      'nothing is left',
      () => renewalOf(cardId),
      (seen) => seen !== undefined && seen.clearAt === undefined,
    );
    const { clear_at: purseAt } = await world.provider.database
      .selectFrom('renewals')
      .select('clear_at')
      .where('instance_id', '=', purse.instance.instanceId)
      .executeTakeFirstOrThrow();
    expect(purseAt, 'its balance is looked for').not.to.equal(null);
  });

  it('touches nothing where the new card has the product already', async () => {
    const [old, other] = [card('service-new'), card('other')];
    const theirs = await desk.create(other.cardId);
    await replace(old.cardId, other.cardId);
    const { instanceId } = await untilState(old.cardId, 'taken').then((seen) => seen ?? expect.fail('no renewal'));
    const agreed = await world.products.renewals.agree(instanceId, {}, 'operator').catch((error) => error);
    expect(agreed).to.include({ name: 'ConflictError', code: 'renewal-ended' });
    expect((await desk.get(theirs)).state).to.equal(S.NOT_DEPLOYED);
    expect(other.seat.sent).to.deep.equal([]);
  });

  it('is ended by an operator of its provider over REST, while no flow is at work on it', async () => {
    const { products, provider } = world;
    const platform = { role: 'provider', id: 'a' } as const;
    await using server = await TestServer.start(platform, (app) => renewalRoutes(app, products.renewals));
    const cardOf = (last: string): CardId => ({ kind: 'iccid', value: `8986000000000000077${last}` });
    const [wrong, right] = [cardOf('8'), cardOf('9')];
    const ids = ['waits', 'looked for', 'under way', 'done'].map((name) => `of-${name.replace(' ', '-')}`);
    for (const [index, instanceId] of ids.entries()) {
      const old = cardOf(String(index));
      const serial = `410000000000077${index}`;
      await provideInstance(provider.database, { productId: `p${index}`, cardId: old, instanceId, serial });
      await setInstanceState(provider.database, instanceId, S.OPERATIONAL);
      const change = { eventId: '1', cardId: old, productId: `p${index}`, from: 'VALID', to: 'TERMINATED' } as const;
      await products.productStates.change({ ...change, sequence: 1, replacedBy: wrong }, 'issuer');
    }
    const note = (instanceId: string, state: Renewal['state'], reason: string | null) =>
      provider.database
        .updateTable('renewals')
        .set({ state, reason, due_at: new Date(Date.now() + 3_600_000) as never })
        .where('instance_id', '=', instanceId)
        .execute();
    await note(ids[1] ?? '', 'agreed', 'card-away');
    await note(ids[2] ?? '', 'agreed', null);
    await note(ids[3] ?? '', 'done', null);

    const operator = await server.client({ role: 'operator', id: 'alice', platform });
    const page = async (query: Record<string, string>) => {
      const call = { method: 'GET', path: '/v1/renewals', query, response: Type.Array(RenewalMessage) } as const;
      return (await operator.call(call)).map(({ instanceId }) => instanceId);
    };
    const end = (client: RestClient, instanceId: string) =>
      client.call({ method: 'DELETE', path: `/v1/renewals/${instanceId}` }).then(
        () => 'ended',
        (error: unknown) => Object(error).code,
      );
    const toWrong = { card: cardIdText(wrong) };
    expect(await page(toWrong)).to.deep.equal(ids.toReversed());
    expect(await page({ ...toWrong, state: 'agreed', productId: 'p1' })).to.deep.equal([ids[1]]);
    expect(await page({ ...toWrong, limit: '2', after: ids[2] ?? '' })).to.deep.equal([ids[1], ids[0]]);
    for (const role of ['provider', 'issuer', 'front'] as const)
      expect(await end(await server.client({ role, id: 'b' }), ids[0] ?? ''), role).to.equal('access-denied');
    expect(await Promise.all([...ids, 'nobody'].map((id) => end(operator, id)))).to.deep.equal([
      ...['ended', 'ended', 'renewal-under-way', 'renewal-ended', 'no-such-renewal'],
    ]);
    const gone = await page({ after: ids[1] ?? '' }).catch((error: unknown) => error);
    expect(gone, 'what was the end of a page').to.nested.include({ code: 'no-such-page', 'context.status': 422 });
    const records = await provider.database
      .selectFrom('audit_log')
      .select('details')
      .where('act', '=', 'end renewal')
      .where('subject', '=', ids[1] ?? '')
      .execute();
    const details = { operator: 'alice', from: cardIdText(cardOf('1')), card: cardIdText(wrong) };
    expect(records.map((record) => JSON.parse(record.details))).to.deep.equal([details]);
    // Said again, with the right card, the ended one is none any more: the product comes there as any other does.
    const again = { eventId: '2', cardId: cardOf('0'), productId: 'p0', from: 'TERMINATED', to: 'TERMINATED' } as const;
    await products.productStates.change({ ...again, sequence: 2, replacedBy: right }, 'issuer');
    expect(await page({ card: cardIdText(right) })).to.deep.equal([ids[0]]);
    await provider.database.deleteFrom('renewals').where('instance_id', 'in', ids).execute();
  });

  it('is understood as the end of the product by a provider of a release before', async () => {
    const seen: (string | undefined)[] = [];
    world.products.between.beforeChange = async ({ replacedBy }) => {
      seen.push(replacedBy?.value);
      if (replacedBy !== undefined) throw new PeerError('invalid-request', 'must not have replacedBy', { status: 400 });
    };
    const { cardId } = card('new');
    await replace(cardId, card('other').cardId);
    await noteOn(cardId);
    expect(seen).to.deep.equal([card('other').cardId.value, undefined]);
    expect(await renewalOf(cardId)).to.equal(undefined);
  });
});

// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { identityCommands } from '../../card/identity.ts';
import { cardIdText } from '../../store/card-id.ts';
import { findDeployed, setApplications } from '../../store/provider/service-processes.ts';
import { INSTANCE_STATE as S } from '../../wire/message/platform.ts';
import type { Instance, Operation } from '../../wire/message/service-instance.ts';
import type { InProcess } from './in-process.ts';
import { PURSE_SCRIPT } from './purse-script.ts';
import { type Permission, permitProvider, ServiceDesk } from './service-desk.ts';
import { sharedProducts } from './shared-products.ts';

const READER = 'delegated services';
const ALL: Operation = { operation: 'deploy', commands: ['I', 'P', 'A'], finalize: true };
const PERMISSIONS: readonly Permission[] = ['create-security-domain', 'install-application'];

/** Deployments in a domain with Delegated Management: issuer and provider each try to cheat the other. */
describe('services that their provider installs by tokens', function () {
  this.timeout(240_000);
  let world: InProcess;
  let desk: ServiceDesk;
  let card: Awaited<ReturnType<InProcess['insertMade']>>;
  let instance: Instance;

  const permit = (permissions: readonly Permission[]) => permitProvider(world, permissions);

  before(async () => {
    world = await sharedProducts();
    await permit([...PERMISSIONS, 'delegated-management']);
    desk = await ServiceDesk.open(world);
    card = await world.insertMade(READER);
    instance = await desk.create(card.cardId);
  });
  afterEach(() => {
    for (const name of ['token', 'confirmation'] as const) delete world.products.between[name];
  });
  after(() => permit(PERMISSIONS));

  const run = (request: Operation) => desk.run(instance, READER, request);
  const states = async () =>
    (await world.products.contentTokens.onCard(card.cardId)).tokens.map(({ act, state }) => `${act.act} ${state}`);
  const labels = () => card.seat.sent.map(({ label }) => label);

  it('are not installed by a token that was changed on its way, or that was given for something else', async () => {
    world.products.between.token = (given) => ({
      ...given,
      token: given.token.replace(/.$/, (at) => (at === '0' ? '1' : '0')),
    });
    const refused = await run(ALL);
    expect(refused.problem?.type).to.equal('urn:opentsm:problem:status-word');
    expect(await desk.selected(card.seat)).to.equal('6A82');
    let first = '';
    world.products.between.token = (given) => {
      first ||= given.token;
      return { ...given, token: first };
    };
    expect((await run(ALL)).problem?.type).to.equal('urn:opentsm:problem:status-word');
    expect(await desk.selected(card.seat)).to.equal('6A82');
    expect((await desk.get(instance)).state).to.equal(S.IN_ERROR);
  });

  it('are installed by tokens, the receipts being checked and kept on both sides', async () => {
    const before = await states();
    const from = labels().length;
    const done = await run(ALL);
    expect(done.problem).to.equal(undefined, JSON.stringify(done.problem));
    const reads = labels()
      .slice(from)
      .filter((label) => label === identityCommands.at(-1)?.label);
    expect(reads, 'the card is named once in a deployment').to.have.length(1);
    expect([(await desk.get(instance)).state, await desk.selected(card.seat)]).to.deep.equal([S.OPERATIONAL, '9000']);
    const own = (await states()).slice(before.length);
    expect(own.at(-1)).to.equal('install confirmed');
    expect(labels()).not.to.include('INSTALL [for extradition]');
    const rows = await world.provider.database
      .selectFrom('product_flows')
      .select(['id', 'result'])
      .where('id', '=', `${done.processId}.install-0`)
      .execute();
    expect(rows.map(({ result }) => Object(result).receipt?.state)).to.deep.equal(['confirmed']);
  });

  it('unload nothing under the name of another service’s application', async () => {
    const { database } = world.provider;
    const [own = expect.fail()] = (await findDeployed(database, instance.serviceInstanceId))?.applications ?? [];
    const other = await ServiceDesk.open(world);
    const wanted = await other.create(card.cardId);
    const clash = { ...own, instanceAid: 'F06F70656E74736D5009', loadFileAid: own.instanceAid };
    await setApplications(database, wanted.serviceInstanceId, [clash]);
    const end = () => other.run(wanted, READER, { operation: 'termination' });
    expect((await end()).problem?.type).to.equal('urn:opentsm:problem:aid-taken');
    const setProduct = (product_id: string | null) =>
      world.issuer.database
        .updateTable('applications')
        .set({ product_id })
        .where('aid', '=', own.instanceAid)
        .where('card', '=', cardIdText(card.cardId))
        .execute();
    // A row that names no product: what the card says counts.
    await setProduct(null);
    expect((await end()).problem).to.equal(undefined);
    expect(await desk.selected(card.seat)).to.equal('9000');
    await setProduct(desk.serviceId);
  });

  it('are the issuer’s to know: a loss report ends their use like that of others', async () => {
    const report = await world.products.reportLoss(card.cardId);
    await world.products.synchronised(report.id);
    expect((await desk.get(instance)).state).to.equal(S.SUSPENDED);
    await world.products.products.closeLossReport(report.id, 'test');
    await world.products.synchronised(report.id);
  });

  it('end with the issuer refusing a receipt that the card did not make', async () => {
    world.products.between.confirmation = (told) => told?.replace(/.$/, (at) => (at === '0' ? '1' : '0'));
    const forged = await run({ operation: 'termination' });
    expect(forged.problem?.type).to.equal('urn:opentsm:problem:receipt-wrong');
    expect((await desk.get(instance)).state).to.equal(S.IN_ERROR);
    expect((await states()).at(-1)).to.equal('delete issued');
  });

  it('are deleted by tokens, and leave nothing behind', async () => {
    const gone = await run({ operation: 'termination' });
    expect(gone.problem).to.equal(undefined, JSON.stringify(gone.problem));
    expect(await desk.selected(card.seat)).to.equal('6A82');
    const content = await world.products.contentTokens.onCard(card.cardId);
    expect(content.tokens.filter(({ act }) => act.act === 'delete').length).to.be.greaterThan(1);
  });

  it('bring libraries by tokens too, and take them off behind what imports them, wanted still or not', async () => {
    const libraryId = await desk.addLibrary();
    await desk.addVersion('2.0.0', [libraryId, desk.elfId], desk.configId);
    const asked = { serviceId: desk.serviceId, version: '2.0.0', cards: [card.cardId] };
    instance = await world.products.services.instances.create(asked);
    const known = (await world.products.contentTokens.onCard(card.cardId)).tokens.length;
    const without: Operation = { operation: 'update', version: '1.0.0', commands: ['I', 'A'], finalize: true };
    for (const request of [ALL, without, { operation: 'termination' } as const]) {
      const { problem } = await run(request);
      expect(problem).to.equal(undefined, JSON.stringify(problem));
    }
    const { tokens } = await world.products.contentTokens.onCard(card.cardId);
    const acts = tokens
      .slice(known)
      .map(({ act }) => [act.act, 'loadFileAid' in act ? act.loadFileAid : Object(act).aid]);
    const [[, library], [, file]] = acts as [string[], string[]];
    expect(acts.filter(([act]) => act === 'load').slice(0, 2)).to.deep.equal([
      ['load', library],
      ['load', file],
    ]);
    expect(acts.slice(-2)).to.deep.equal([
      ['delete', file],
      ['delete', library],
    ]);
  });

  it('are not selectable where their config says so: the token is for that alone', async () => {
    const activationConfig = { makeSelectable: false };
    const hidden = await ServiceDesk.open(world, PURSE_SCRIPT, { activationConfig });
    const own = await hidden.create(card.cardId);
    const { problem } = await hidden.run(own, READER, { operation: 'deploy', commands: ['I', 'A'], finalize: true });
    expect(JSON.stringify(problem)).to.equal(undefined);
    const { tokens } = await world.products.contentTokens.onCard(card.cardId);
    expect(tokens.at(-1)?.act).to.include({ act: 'install', selectable: false });
    expect(await hidden.selected(card.seat)).to.equal('6A82');
    expect((await hidden.run(own, READER, { operation: 'termination' })).problem).to.equal(undefined);
  });

  it('are not installed by tokens onto a card that is reported lost or blocked', async () => {
    // The provider has heard nothing of it, so that it asks.
    world.products.between.providerAway = true;
    const report = await world.products.reportLoss(card.cardId);
    instance = await desk.create(card.cardId);
    const before = await states();
    expect((await run(ALL)).problem?.type).to.equal('urn:opentsm:problem:card-reported');
    await world.products.products.closeLossReport(report.id, 'test');
    world.products.between.providerAway = false;
    await world.products.synchronised(report.id);
    const setState = (state: 'ACTIVE' | 'BLOCKED') =>
      world.issuer.database
        .updateTable('cards')
        .set({ state })
        .where('card', '=', `iccid:${card.cardId.value}`)
        .execute();
    await setState('BLOCKED');
    expect((await run(ALL)).problem?.type).to.equal('urn:opentsm:problem:card-not-in-service');
    await setState('ACTIVE');
    expect(await states(), 'no token was given').to.deep.equal(before);
    expect(await desk.selected(card.seat)).to.equal('6A82');
  });

  it('are the issuer’s to install when the permission was taken back', async () => {
    await permit(PERMISSIONS);
    instance = await desk.create(card.cardId);
    const before = (await states()).length;
    const done = await run(ALL);
    expect(done.problem).to.equal(undefined, JSON.stringify(done.problem));
    expect(labels()).to.include('INSTALL [for extradition]');
    expect((await states()).length).to.equal(before);
    expect(await desk.selected(card.seat)).to.equal('9000');
  });
});

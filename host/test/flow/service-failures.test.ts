// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { sql } from 'kysely';
import { cardIdText } from '../../store/card-id.ts';
import { recordCreating } from '../../store/issuer/applications.ts';
import { findSeen } from '../../store/issuer/seen-registry.ts';
import { findDeployed, setApplications } from '../../store/provider/service-processes.ts';
import { INSTANCE_STATE as S } from '../../wire/message/platform.ts';
import type { Instance, Operation } from '../../wire/message/service-instance.ts';
import type { InProcess } from './in-process.ts';
import { PURSE_AID } from './product-world.ts';
import { PURSE_SCRIPT } from './purse-script.ts';
import { ServiceDesk } from './service-desk.ts';
import { sharedProducts } from './shared-products.ts';

const READER = 'service failures';
const SECOND_AID = 'F06F70656E74736D5002';
/** The issuer keeps such names for domains. */
const RESERVED_AID = 'F06F70656E74736D0199';
const ALL: Operation = { operation: 'deploy', commands: ['I', 'A'], finalize: true };
const END: Operation = { operation: 'termination' };

/** What was asked cannot be done: the card stays as it was, or it is known that it did not. */
describe('services that cannot become what was asked', function () {
  this.timeout(240_000);
  let world: InProcess;
  let desk: ServiceDesk;
  let card: Awaited<ReturnType<InProcess['insertMade']>>;
  let instance: Instance;

  before(async () => {
    world = await sharedProducts();
    desk = await ServiceDesk.open(world);
    card = await world.insertMade(READER);
    instance = await desk.create(card.cardId);
    expectDone(await run(ALL), S.OPERATIONAL);
  });

  const run = (request: Operation) => desk.run(instance, READER, request);
  const selected = (aid?: string) => desk.selected(card.seat, aid);
  const update = (version: string): Operation => ({
    operation: 'update',
    version,
    commands: ['I', 'A'],
    finalize: true,
  });
  const placed = async ({ serviceInstanceId }: Instance) =>
    (await findDeployed(world.provider.database, serviceInstanceId))?.applications ?? [];

  function expectDone(process: Awaited<ReturnType<typeof run>>, state: number): void {
    expect(process.problem).to.equal(undefined, JSON.stringify(process.problem));
    expect(process.result?.serviceEndState).to.equal(state);
  }

  /** Commands to the card meanwhile. */
  async function sentBy(act: () => Promise<unknown>): Promise<string[]> {
    const before = card.seat.sent.length;
    await act();
    return card.seat.sent.slice(before).map(({ label }) => label);
  }

  it('take over no application or load file of another service: nothing is sent to the card', async () => {
    const [{ loadFileAid } = expect.fail()] = await placed(instance);
    const sent = await sentBy(async () => {
      for (const [config, name] of [
        [{}, PURSE_AID],
        [{ instanceAid: SECOND_AID }, loadFileAid],
      ] as const) {
        const other = await ServiceDesk.open(world, PURSE_SCRIPT, config);
        const wanted = await other.create(card.cardId);
        const refused = await other.run(wanted, READER, ALL).catch((error) => error);
        expect(refused.context?.executionStatus).to.equal(14);
        expect(refused.message).to.include(`has ${name} `);
        expect((await other.get(wanted)).state).to.equal(S.NOT_DEPLOYED);
        expect(await placed(wanted)).to.deep.equal([]);
      }
    });
    expect(sent).to.deep.equal([]);
    expect(await selected()).to.equal('9000');
  });

  it('take over and delete none at the issuer either, whatever their provider knows', async () => {
    const { database } = world.provider;
    const own = await placed(instance);
    await setApplications(database, instance.serviceInstanceId, []);
    const other = await ServiceDesk.open(world);
    const wanted = await other.create(card.cardId);
    const refused = await other.run(wanted, READER, ALL);
    expect(refused.problem?.type).to.equal('urn:opentsm:problem:aid-taken');
    expect([refused.result?.serviceEndState, await placed(wanted)]).to.deep.equal([S.NOT_DEPLOYED, []]);
    await setApplications(database, wanted.serviceInstanceId, own);
    expect((await other.run(wanted, READER, END)).problem?.type).to.equal('urn:opentsm:problem:not-your-application');
    expect(await selected()).to.equal('9000');
    await setApplications(database, wanted.serviceInstanceId, []);
    await setApplications(database, instance.serviceInstanceId, own);
  });

  it('delete what the card has as a load file alone: an application of the name stays', async () => {
    const { database } = world.issuer;
    const [own = expect.fail()] = await placed(instance);
    const other = await ServiceDesk.open(world);
    const wanted = await other.create(card.cardId);
    const clash = { ...own, instanceAid: SECOND_AID, loadFileAid: PURSE_AID };
    await setApplications(world.provider.database, wanted.serviceInstanceId, [clash]);
    const rows = () => database.updateTable('applications').where('card', '=', cardIdText(card.cardId));
    // As if the issuer did not know the one.
    await rows().set({ aid: 'F0FF' }).where('aid', '=', PURSE_AID).execute();
    const whose = { providerId: 'a', productId: other.serviceId, loadFile: { aid: PURSE_AID } };
    await recordCreating(database, { cardId: card.cardId, aid: SECOND_AID, workflowId: 'w', ...whose });
    expectDone(await other.run(wanted, READER, END), 0);
    expect(await selected()).to.equal('9000');
    await rows().set({ aid: PURSE_AID }).where('aid', '=', 'F0FF').execute();
  });

  it('are suspended and resumed after an update that did not come to the chip', async () => {
    const reserved = await desk.configure(PURSE_SCRIPT, { instanceAid: RESERVED_AID });
    await desk.addVersion('2.0.0', desk.elfId, reserved, desk.configId);
    const before = await placed(instance);
    const failed = await run(update('2.0.0'));
    expect(failed.problem?.type).to.equal('urn:opentsm:problem:aid-reserved');
    expect([failed.result?.serviceEndState, await placed(instance)]).to.deep.equal([S.OPERATIONAL, before]);
    expectDone(await run({ operation: 'suspension', suspend: true }), S.SUSPENDED);
    expectDone(await run({ operation: 'suspension', suspend: false }), S.OPERATIONAL);
    expect(await selected()).to.equal('9000');
  });

  it('are in error when an application behind another one is refused, and end all the same', async () => {
    const [second, reserved] = await Promise.all(
      [SECOND_AID, RESERVED_AID].map((instanceAid) => desk.configure(PURSE_SCRIPT, { instanceAid })),
    );
    await desk.addVersion('3.0.0', desk.elfId, desk.configId, second ?? '', reserved ?? '');
    const failed = await run(update('3.0.0'));
    expect(failed.problem?.type).to.equal('urn:opentsm:problem:aid-reserved');
    expect(failed.result?.serviceEndState).to.equal(S.IN_ERROR);
    expect(await selected(SECOND_AID)).not.to.equal('6A82');
    expectDone(await run(END), 0);
    expect([await selected(), await selected(SECOND_AID)]).to.deep.equal(['6A82', '6A82']);
  });

  it('are another version after an update, which takes off what changes and installs it anew', async () => {
    instance = await desk.create(card.cardId);
    expectDone(await run(ALL), S.OPERATIONAL);
    const installConfig = { applicationSpecificInstallParameter: '800101' };
    await desk.addVersion('4.0.0', desk.elfId, await desk.configure(PURSE_SCRIPT, { installConfig }));
    const sent = await sentBy(async () => {
      // Tags are numbers; what is kept and told is the tag that the service provider has given.
      const ended = await run(update('04.0.000000'));
      expectDone(ended, S.OPERATIONAL);
      expect(ended.result?.versionTag).to.equal('4.0.0');
    });
    expect(sent.filter((label) => /^(DELETE|INSTALL \[for (load|extradition))/.test(label)).sort()).to.deep.equal([
      ...['DELETE', 'DELETE', 'INSTALL [for extradition]', 'INSTALL [for load]'],
    ]);
    expect((await desk.get(instance)).technicalInformation.versionTag).to.equal('4.0.0');
    expect((await placed(instance)).map(({ parameters }) => parameters)).to.deep.equal(['800101']);
    expect(await selected()).to.equal('9000');
  });

  it('bring load files without application first, and take them off last', async () => {
    const libraryId = await desk.addLibrary();
    await desk.addVersion('5.0.0', [libraryId, desk.elfId], desk.configId);
    const loadFiles = async () =>
      (await findSeen(world.issuer.database, cardIdText(card.cardId))).entries.filter(
        ({ kind }) => kind === 'load-file',
      );
    const sent = await sentBy(async () => expectDone(await run(update('5.0.0')), S.OPERATIONAL));
    const [library] = (await placed(instance))[0]?.libraries ?? [];
    expect(library?.elfId).to.equal(libraryId);
    expect(sent.filter((label) => label === 'INSTALL [for load]')).to.have.length(2);
    // Wanted no more, it stays; in another build it comes behind what it came with.
    await desk.addVersion('5.1.0', desk.elfId, desk.configId);
    const without = await sentBy(async () => expectDone(await run(update('5.1.0')), S.OPERATIONAL));
    expect(without.filter((label) => /^(DELETE|INSTALL)/.test(label))).to.deep.equal([]);
    await desk.addVersion('5.2.0', [await desk.addLibrary(), desk.elfId], desk.configId);
    const other = await sentBy(async () => expectDone(await run(update('5.2.0')), S.OPERATIONAL));
    expect(other.filter((label) => /^(DELETE|INSTALL .for load)/.test(label))).to.deep.equal([
      ...['DELETE', 'DELETE', 'DELETE', 'INSTALL [for load]', 'INSTALL [for load]'],
    ]);
    const again = await sentBy(async () => expectDone(await run(update('4.0.0')), S.OPERATIONAL));
    expect(again.filter((label) => label === 'DELETE')).to.have.length(3);
    expect((await loadFiles()).map(({ aid }) => aid)).not.to.include(library?.loadFileAid);
    expect(await selected()).to.equal('9000');
  });

  it('keep a Version while a process works with it, and say that the reader is not there', async () => {
    const params = { serviceId: desk.serviceId, tag: '04.0.0' };
    const running = desk.run(instance, 'no such reader', { operation: 'suspension', suspend: true });
    const taken = async () => {
      const { rows } = await sql`SELECT 1 FROM service_processes WHERE state = 'running'`.execute(
        world.provider.database,
      );
      return rows.length > 0;
    };
    while (!(await taken()));
    expect((await desk.tsms('deleteVersion', { params }).catch((error) => error)).category).to.equal(1010);
    const { result } = await running;
    expect([result?.executionStatus, result?.serviceEndState]).to.deep.equal([9, S.OPERATIONAL]);
  });

  it('keep a Version whose process has begun and is not written yet', async () => {
    const { database } = world.provider;
    const params = { serviceId: desk.serviceId, tag: '4.0.0' };
    const waiting = async (count: number) => {
      const { rows } = await sql`SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'
        AND datname = current_database()`.execute(database);
      return rows.length >= count;
    };
    const held = await database.startTransaction().execute();
    // A process that begins waits here, with all that it writes.
    const name = `applications of ${cardIdText(card.cardId)}`;
    await sql`SELECT pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(held);
    const running = desk.run(instance, 'no such reader', update('4.0.0'));
    while (!(await waiting(1)));
    let deleted = false;
    const deleting = desk
      .tsms('deleteVersion', { params })
      .catch((error) => error.category)
      .finally(() => {
        deleted = true;
      });
    while (!deleted && !(await waiting(2)));
    await held.commit().execute();
    expect(await deleting).to.equal(1010);
    expect((await running).result?.executionStatus).to.equal(9);
  });

  it('are of the version that is asked for until something is on the card, and then of no other', async () => {
    const { instances } = world.products.services;
    const { serviceId } = desk;
    const cards = [card.cardId];
    const create = (version: string) => instances.create({ serviceId, version, cards });
    expect((await create('04.00.0')).serviceInstanceId).to.equal(instance.serviceInstanceId);
    expect((await create('1.0.0').catch((error) => error)).context.executionStatus).to.equal(14);
    const check = { serviceId, version: 'x.x.x', cards };
    expect((await instances.checkDeployment(check)).executionStatus).to.equal(14);
    expectDone(await run(END), 0);
    const first = await create('1.0.0');
    expect((await instances.checkDeployment(check)).available).to.equal(true);
    instance = await create('4.0.0');
    expect(instance.serviceInstanceId).to.equal(first.serviceInstanceId);
    expect(instance.technicalInformation.versionTag).to.equal('4.0.0');
    expectDone(await run(ALL), S.OPERATIONAL);
  });

  it('have the parameters of their Service and of their Flavor, whose count', async () => {
    const { flavorId } = instance.technicalInformation;
    const params = { serviceId: desk.serviceId, flavorId };
    await desk.tsms('modifyService', { params, body: { name: 's', spParameters: { a: 'service', b: 'service' } } });
    await desk.tsms('modifyFlavor', { params, body: { spParameters: { a: 'flavor' } } });
    const { technicalInformation } = await desk.get(instance);
    expect(technicalInformation.spParameters).to.deep.equal({ a: 'flavor', b: 'service' });
  });

  it('are suspended, resumed and terminated without their Flavor and Service, and nothing else', async () => {
    const { instances } = world.products.services;
    const { serviceId } = desk;
    const { flavorId } = instance.technicalInformation;
    await desk.tsms('deleteVersion', { params: { serviceId, tag: '4.0.0' } });
    await desk.tsms('deleteFlavor', { params: { serviceId, flavorId } });
    for (const request of [update('1.0.0'), { operation: 'execution', actionCode: 'READ' } as const])
      expect((await run(request).catch((error) => error)).context?.executionStatus).to.equal(12);
    await desk.tsms('deleteService', { params: { serviceId } });
    const found = await instances.find({ serviceId, cards: [card.cardId] });
    expect(found.map(({ serviceInstanceId }) => serviceInstanceId)).to.deep.equal([instance.serviceInstanceId]);
    expectDone(await run({ operation: 'suspension', suspend: true }), S.SUSPENDED);
    expectDone(await run({ operation: 'suspension', suspend: false }), S.OPERATIONAL);
    expectDone(await run(END), 0);
    expect(await selected()).to.equal('6A82');
    const gone = await instances.find({ serviceId, cards: [card.cardId] }).catch((error) => error);
    expect(gone.context.executionStatus).to.equal(17);
  });
});

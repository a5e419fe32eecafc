// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
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
    ...{ operation: 'update', version, commands: ['I', 'A'], finalize: true },
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
    const sent = await sentBy(async () => {
      for (const [config, name] of [
        [{}, PURSE_AID],
        [{ instanceAid: SECOND_AID }, 'F06F70656E74736D50'],
      ] as const) {
        const other = await ServiceDesk.open(world, PURSE_SCRIPT, config);
        const wanted = await other.create(card.cardId);
        const refused = await other.run(wanted, READER, ALL).catch((error) => error);
        expect([refused.context?.executionStatus, refused.message]).to.deep.equal([14, refused.message]);
        expect(refused.message).to.include(name);
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
    const sent = await sentBy(async () => expectDone(await run(update('4.0.0')), S.OPERATIONAL));
    expect(sent).to.include('DELETE').and.include('INSTALL [for install and make selectable]');
    expect((await desk.get(instance)).technicalInformation.versionTag).to.equal('4.0.0');
    expect((await placed(instance)).map(({ parameters }) => parameters)).to.deep.equal(['800101']);
    expect(await selected()).to.equal('9000');
  });
});

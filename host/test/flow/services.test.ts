// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { INSTANCE_STATE as S } from '../../wire/message/platform.ts';
import type { Instance, Operation } from '../../wire/message/service-instance.ts';
import type { InProcess } from './in-process.ts';
import { ServiceDesk } from './service-desk.ts';
import { sharedProducts } from './shared-products.ts';

/** A service that its provider entered by the TSM-Backend, on one card, by real code on all sides. */
describe('services of a provider on a card', function () {
  this.timeout(240_000);
  let world: InProcess;
  let desk: ServiceDesk;
  let card: Awaited<ReturnType<InProcess['insertMade']>>;
  let instance: Instance;

  before(async () => {
    world = await sharedProducts();
    desk = await ServiceDesk.open(world);
    card = await world.insertMade('services');
  });

  const run = (request: Operation) => desk.run(instance, 'services', request);
  const deploy = (commands: ('I' | 'P' | 'A')[], finalize = false): Operation => ({
    operation: 'deploy',
    commands,
    finalize,
  });
  const expectDone = async (request: Operation, state: number, sw: string) => {
    const process = await run(request);
    expect(process.problem).to.equal(undefined, JSON.stringify(process.problem));
    expect([process.state, process.result?.executionStatus, process.result?.serviceEndState]).to.deep.equal([
      'done',
      0,
      state,
    ]);
    expect(await desk.selected(card.seat)).to.equal(sw);
    return process;
  };

  it('have one instance on a card, the same until it ends', async () => {
    instance = await desk.create(card.cardId);
    expect(instance.state).to.equal(S.NOT_DEPLOYED);
    expect((await desk.create(card.cardId)).serviceInstanceId).to.equal(instance.serviceInstanceId);
  });

  it('are installed into a domain that the key distribution makes on the way, and locked', async () => {
    const process = await expectDone(deploy(['I']), S.INSTALLED, '6A82');
    expect(process.result?.requestedOperations).to.deep.equal([10]);
    expect((await desk.get(instance)).state).to.equal(S.INSTALLED);
  });

  it('are personalised by their script, and still locked', async () => {
    const process = await expectDone(deploy(['P']), S.PERSONALIZED, '6A82');
    expect(
      process.steps.flatMap(({ commands }) => commands).filter((name) => name.startsWith('STORE DATA')),
    ).to.have.length(2);
  });

  it('are activated, and operational when it is finalised', async () => {
    await expectDone(deploy(['A']), S.ACTIVATED, '9000');
    await expectDone(deploy([], true), S.OPERATIONAL, '9000');
  });

  it('are suspended and resumed on the card, as often as asked', async () => {
    await expectDone({ operation: 'suspension', suspend: true }, S.SUSPENDED, '6A82');
    const again = await expectDone({ operation: 'suspension', suspend: true }, S.SUSPENDED, '6A82');
    const sent = again.steps.flatMap(({ commands }) => commands);
    expect(sent.filter((name) => name.startsWith('SET STATUS'))).to.deep.equal([]);
    expect(sent.filter((name) => name.startsWith('GET STATUS'))).to.have.length(1);
    await expectDone({ operation: 'suspension', suspend: false }, S.OPERATIONAL, '9000');
  });

  it('are not resumed while the issuer says that the card is lost', async () => {
    const report = await world.products.reportLoss(card.cardId);
    await world.products.synchronised(report.id);
    expect((await desk.get(instance)).state).to.equal(S.SUSPENDED);
    const refused = await run({ operation: 'suspension', suspend: false }).catch((error) => error);
    expect(refused.context.executionStatus).to.equal(13);
    await world.products.products.closeLossReport(report.id, 'test');
    await world.products.synchronised(report.id);
    expect((await desk.get(instance)).state).to.equal(S.OPERATIONAL);
  });

  it('leave nothing behind when they are terminated', async () => {
    await expectDone({ operation: 'termination' }, 0, '6A82');
    const gone = await desk.get(instance).catch((error) => error);
    expect(gone.context.executionStatus).to.equal(17);
    const next = await desk.create(card.cardId);
    expect(next.serviceInstanceId).not.to.equal(instance.serviceInstanceId);
    instance = next;
  });

  it('are deployed wholly in one process, and a second one is refused', async () => {
    await expectDone(deploy(['I', 'P', 'A'], true), S.OPERATIONAL, '9000');
    const refused = await run(deploy(['I'])).catch((error) => error);
    expect(refused.context.executionStatus).to.equal(13);
  });
});

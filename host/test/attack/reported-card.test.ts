// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { SecureElements } from '../../service/issuer/secure-elements.ts';
import { AuditLog } from '../../store/audit-log.ts';
import { INSTANCE_STATE as S } from '../../wire/message/platform.ts';
import type { InProcess } from '../flow/in-process.ts';
import { ServiceDesk } from '../flow/service-desk.ts';
import { instanceOf, sharedProducts } from '../flow/shared-products.ts';

const PROBLEM = 'urn:opentsm:problem:';

/** A thief with a reported card: no product comes onto it, and none that was on its way is ever loaded. */
describe('a card that is reported lost', function () {
  this.timeout(240_000);
  let world: InProcess;
  let elements: SecureElements;
  let card: Awaited<ReturnType<InProcess['insertMade']>>;
  let reportId = '';

  const found = async (id: string) => {
    await world.products.products.closeLossReport(id, 'front');
    await world.products.synchronised(id);
  };
  /** Once, when the card is about to get its application. */
  const beforeInstall = (act: () => Promise<void>) => {
    let done = false;
    world.between.beforeTrip = async (commands) => {
      if (done || !commands.some(({ label }) => label.startsWith('INSTALL [for install'))) return;
      done = true;
      await act();
    };
  };

  before(async () => {
    world = await sharedProducts();
    elements = new SecureElements(world.issuer.database, new AuditLog(world.issuer.database), () => {});
  });
  afterEach(() => {
    delete world.between.beforeTrip;
  });

  it('gets no domain of a provider, and no flow of its own or of a service puts anything onto it', async () => {
    card = await world.insertMade('reported');
    const first = await world.products.reportLoss(card.cardId);
    expect(first.productIds).to.deep.equal([]);
    const distributed = await world.distribute('reported');
    expect([distributed.outcome, distributed.refusedAt, distributed.problem?.type]).to.deep.equal([
      ...['refused', '43', `${PROBLEM}card-reported`],
    ]);
    await found(first.id);
    expect((await world.distribute('reported')).outcome).to.equal('distributed');
    reportId = (await world.products.reportLoss(card.cardId)).id;
    const before = card.seat.sent.length;
    const deployed = await world.products.deploy('reported');
    expect(deployed.problem?.type).to.equal(`${PROBLEM}card-reported`);
    const desk = await ServiceDesk.open(world);
    const instance = await desk.create(card.cardId);
    const service = await desk.run(instance, 'reported', { operation: 'deploy', commands: ['I'], finalize: false });
    expect(service.problem?.type).to.equal(`${PROBLEM}card-reported`);
    expect((await desk.get(instance)).state).to.equal(S.NOT_DEPLOYED);
    const sent = card.seat.sent.slice(before).map(({ label }) => label);
    expect(sent.filter((label) => /^(INSTALL|LOAD)/.test(label))).to.deep.equal([]);
  });

  it('takes no load for what came onto it while it was reported: the report names that product too', async () => {
    await found(reportId);
    beforeInstall(async () => {
      reportId = (await world.products.reportLoss(card.cardId)).id;
    });
    const { problem } = await world.products.deploy('reported');
    expect(JSON.stringify(problem)).to.equal(undefined);
    const report = await world.products.products.lossReport(reportId);
    expect(report.productIds).to.deep.equal(['transit']);
    expect((await world.products.topUp(card, 10)).outcome).to.equal('refused');
    await world.products.synchronised(reportId);
    expect(await instanceOf(world, card)).to.include({ state: S.SUSPENDED, productState: 'INVALID' });
    await found(reportId);
    expect(await world.products.topUp(card, 10)).to.include({ outcome: 'credited', balanceAfter: 10 });
  });

  it('is like one that its issuer blocked meanwhile: the product waits until it is active again', async () => {
    const blocked = await world.insertMade('blocked');
    expect((await world.distribute('blocked')).outcome).to.equal('distributed');
    beforeInstall(async () => {
      await elements.move(blocked.cardId.value, { state: 'BLOCKED' }, 'o');
    });
    const { problem } = await world.products.deploy('blocked');
    expect(JSON.stringify(problem)).to.equal(undefined);
    expect((await world.products.topUp(blocked, 10)).outcome).to.equal('refused');
    await elements.move(blocked.cardId.value, { state: 'ACTIVE' }, 'o');
    const last = await world.products.reportLoss(blocked.cardId);
    await found(last.id);
    expect(await instanceOf(world, blocked)).to.include({ state: S.OPERATIONAL, productState: 'VALID' });
    expect(await world.products.topUp(blocked, 10)).to.include({ outcome: 'credited', balanceAfter: 10 });
  });
});

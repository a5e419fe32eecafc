// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { cardIdText } from '../../store/card-id.ts';
import { findSeen } from '../../store/issuer/seen-registry.ts';
import { findSecurityDomainRow, putSecurityDomainRow } from '../../store/provider/security-domains.ts';
import { INSTANCE_STATE as S } from '../../wire/message/platform.ts';
import type { Instance, Operation } from '../../wire/message/service-instance.ts';
import { overlaid } from '../conformance/overlay.ts';
import { type InProcess, SSD_AID } from './in-process.ts';
import { PURSE_AID } from './product-world.ts';
import { PURSE_SCRIPT } from './purse-script.ts';
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

  /** What the issuer has seen of the card. */
  const seen = () => findSeen(world.issuer.database, cardIdText(card.cardId));

  it('have one instance on a card, the same until it ends', async () => {
    instance = await desk.create(card.cardId);
    expect(instance.state).to.equal(S.NOT_DEPLOYED);
    expect((await desk.create(card.cardId)).serviceInstanceId).to.equal(instance.serviceInstanceId);
  });

  it('are installed into a domain that the key distribution makes on the way, and locked', async () => {
    const process = await expectDone(deploy(['I']), S.INSTALLED, '6A82');
    expect(process.result?.requestedOperations).to.deep.equal([10]);
    expect((await desk.get(instance)).state).to.equal(S.INSTALLED);
    const { entries, readAt, memory } = await seen();
    const domain = entries.find(({ aid }) => aid === SSD_AID);
    expect(domain, 'all of the registry was read').to.deep.include({ kind: 'application', lifeCycle: 15 });
    expect(entries.find(({ aid }) => aid === PURSE_AID)).to.deep.include({ securityDomain: SSD_AID });
    expect(
      entries
        .map(({ seenAt }) => seenAt)
        .toSorted()
        .at(-1),
    ).to.equal(readAt);
    expect(memory?.persistent).to.be.greaterThan(0);
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

  it('are not touched through a pair that the issuer alone has named', async () => {
    const { database } = world.provider;
    const row = await findSecurityDomainRow(database, card.cardId);
    if (row === undefined) expect.fail('there is no domain');
    const { certificate: _none, attestedCard: _nobody, ...named } = row;
    await putSecurityDomainRow(database, { ...named, state: 'reported' });
    const before = card.seat.sent.length;
    const process = await run({ operation: 'suspension', suspend: true });
    expect(process.problem?.type).to.equal('urn:opentsm:problem:security-domain-unfinished');
    expect(card.seat.sent.slice(before).map(({ label }) => label)).not.to.include('EXTERNAL AUTHENTICATE');
    await putSecurityDomainRow(database, row);
    await expectDone({ operation: 'suspension', suspend: true }, S.SUSPENDED, '6A82');
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
    expect((await seen()).entries.map(({ aid }) => aid))
      .to.include(SSD_AID)
      .and.not.to.include(PURSE_AID);
    const gone = await desk.get(instance).catch((error) => error);
    expect(gone.context.executionStatus).to.equal(17);
    const next = await desk.create(card.cardId);
    expect(next.serviceInstanceId).not.to.equal(instance.serviceInstanceId);
    instance = next;
  });

  it('are taken as the published example has them, and not at all with what this platform does not do', async () => {
    const created = async (config: object) => {
      const other = await ServiceDesk.open(world, PURSE_SCRIPT, config);
      const { state } = await other.create(card.cardId).catch(({ code, message }) => ({ state: `${code} ${message}` }));
      return state;
    };
    const { document } = overlaid('tsms');
    const { InstallConfig } = Object(document).components.schemas;
    const { example } = InstallConfig.properties.applicationSpecificInstallParameter;
    const asPublished = { installConfig: { applicationSpecificInstallParameter: example } };
    expect(await created(asPublished)).to.equal(S.NOT_DEPLOYED);
    expect(await created({ activationConfig: { accessibleViaApdu: true } })).to.equal(S.NOT_DEPLOYED);
    for (const config of [
      { installConfig: { privileges: ['GlobalService'] } },
      { activationConfig: { accessibleViaNfc: true } },
    ])
      expect(await created(config)).to.match(/^invalid-argument .*(privileges|accessibleViaNfc)/);
  });

  it('are not selectable where their config says so, which writes its parameters as the example does', async () => {
    const hidden = await ServiceDesk.open(world, PURSE_SCRIPT, {
      installConfig: { applicationSpecificInstallParameter: '80 01 a1' },
      activationConfig: { makeSelectable: false, accessibleViaApdu: false },
    });
    const own = await hidden.create(card.cardId);
    const { problem } = await hidden.run(own, 'services', {
      operation: 'deploy',
      commands: ['I', 'A'],
      finalize: true,
    });
    expect(JSON.stringify(problem)).to.equal(undefined);
    expect((await hidden.get(own)).state).to.equal(S.OPERATIONAL);
    expect(await hidden.selected(card.seat)).to.equal('6A82');
    const { entries } = await seen();
    const INSTALLED = 3;
    expect(entries.find(({ aid }) => aid === PURSE_AID)).to.deep.include({ lifeCycle: INSTALLED });
    expect((await hidden.run(own, 'services', { operation: 'termination' })).problem).to.equal(undefined);
  });

  it('are deployed wholly in one process, and a second one is refused', async () => {
    await expectDone(deploy(['I', 'P', 'A'], true), S.OPERATIONAL, '9000');
    const refused = await run(deploy(['I'])).catch((error) => error);
    expect(refused.context.executionStatus).to.equal(13);
  });

  /** Reads the purse: its balance is a value, and a text for the user. */
  const READ = {
    format: 'opentsm-service-script/1',
    name: 'read-purse',
    version: '1.0.0',
    inputs: {},
    start: 'select',
    steps: {
      select: {
        send: { cla: '00', ins: 'A4', p1: '04', p2: '00', data: PURSE_AID, le: '00' },
        accept: { 9000: 'read' },
      },
      read: {
        send: { cla: '80', ins: '5C', p1: '00', p2: '02', le: '04' },
        accept: { 9000: 'tell' },
        capture: { balance: { offset: 0, length: 4 } },
      },
      tell: { message: 'balance {balance}', next: 'done' },
      done: { end: 'done' },
    },
  };
  const execution: Operation = { operation: 'execution', actionCode: 'READ' };

  it('do what an action code means, by a script that is kept with them', async () => {
    expect((await run(execution).catch((error) => error)).context.executionStatus).to.equal(17);
    await desk.addAction('READ', READ);
    const process = await expectDone(execution, S.OPERATIONAL, '9000');
    expect([process.values.balance, process.messages]).to.deep.equal(['00000000', ['balance 00000000']]);
  });

  it('keep a published script as it is, and run another one under another version', async () => {
    const changed = { ...READ, steps: { ...READ.steps, tell: { message: 'changed', next: 'done' } } };
    expect(await desk.addAction('READ', changed).catch((error) => error.code)).to.equal('script-published');
    expect((await run(execution)).messages).to.deep.equal(['balance 00000000']);
    await desk.addAction('READ', { ...changed, version: '1.0.1' });
    expect((await run(execution)).messages).to.deep.equal(['changed']);
    const written = await world.provider.database
      .updateTable('service_scripts')
      .set({ document: '{}' })
      .where('service_id', '=', desk.serviceId)
      .execute()
      .catch((error: Error) => error.message);
    expect(written).to.equal('a published script is never changed');
  });

  /** Asks the KMS before it reads. */
  const withKey = (version: string, key: string, kms = 'generate-mac') => ({
    ...READ,
    version,
    start: 'made',
    steps: { ...READ.steps, made: { kms, key, data: '00', result: 'mac', next: 'select' } },
  });
  const ATTRIBUTES = { algorithm: 'aes', lengthBits: 128, exportability: 'N', keyUsage: 'M6', modeOfUse: 'C' } as const;

  it('name no key of another owner, and none for what it is not for: nobody learns which keys there are', async () => {
    const { managedKeys } = world.provider.kms;
    for (const [label, owner] of [
      ['own-mac', desk.keyOwner],
      ['other-mac', 'service-provider:another'],
    ] as const) {
      await managedKeys.generate({ label, owner, ...ATTRIBUTES }, 'test');
      await managedKeys.activate(label, 'test');
    }
    const refusals = [];
    for (const [key, kms] of [
      ['other-mac', 'generate-mac'],
      ['no-such-key', 'generate-mac'],
      ['own-mac', 'encrypt'],
    ] as const)
      refusals.push(await desk.addAction('KEY', withKey('2.0.0', key, kms)).catch((error) => error));
    expect(refusals.map(({ code }) => code)).to.deep.equal(['script-key', 'script-key', 'script-key']);
    expect(refusals[0].message.replace('other-mac', 'no-such-key')).to.equal(refusals[1].message);
    await desk.addAction('KEY', withKey('2.0.1', 'own-mac'));
    const process = await expectDone({ operation: 'execution', actionCode: 'KEY' }, S.OPERATIONAL, '9000');
    expect(process.values.mac).to.match(/^[0-9A-F]{32}$/);
  });

  it('send nothing to the card when the KMS does not do one of their steps any more', async () => {
    await world.provider.kms.managedKeys.suspend('own-mac', 'test');
    const before = card.seat.sent.length;
    const refused = await run({ operation: 'execution', actionCode: 'KEY' });
    expect(refused.problem?.type).to.equal('urn:opentsm:problem:script-key');
    expect([refused.result?.serviceEndState, refused.values]).to.deep.equal([S.OPERATIONAL, {}]);
    expect(card.seat.sent.slice(before).filter(({ label }) => label === 'script')).to.deep.equal([]);
  });

  it('bring no key of another owner onto a card: nothing is installed', async () => {
    const script = {
      format: 'opentsm-personalization/1',
      personalized: { answerHolds: '5A08{serial}' },
      storeData: [{ p1: 'E8', cardKey: { key: 'other-mac', dgi: '8201' } }],
    };
    const other = await ServiceDesk.open(world, script);
    const empty = await world.insertMade('services without key');
    const wanted = await other.create(empty.cardId);
    const deploy: Operation = { operation: 'deploy', commands: ['I', 'P'], finalize: false };
    const refused = await other.run(wanted, 'services without key', deploy);
    expect(refused.problem?.type).to.equal('urn:opentsm:problem:script-key');
    expect((await other.get(wanted)).state).to.equal(S.NOT_DEPLOYED);
    const sent = empty.seat.sent.map(({ label }) => label);
    expect(sent.filter((label) => /^(INSTALL|LOAD|PUT KEY|MANAGE)/.test(label))).to.deep.equal([]);
  });

  it('do not begin a script again that was broken off', async () => {
    const deploying = (await card.seat.card.statistics()).apdus;
    await run(execution);
    const all = (await card.seat.card.statistics()).apdus - deploying;
    await card.seat.card.cutPower({ afterApdus: all - 1, when: 'before-response' });
    const broken = await run(execution);
    expect(broken.problem?.type).to.equal('urn:opentsm:problem:script-interrupted');
    expect([broken.result?.executionStatus, broken.result?.serviceEndState]).to.deep.equal([6, S.OPERATIONAL]);
  });

  it('do nothing more after a loss report, whatever they know of it', async () => {
    world.products.between.providerAway = true;
    const report = await world.products.reportLoss(card.cardId);
    const refused = await run(execution);
    expect(refused.problem?.type).to.equal('urn:opentsm:problem:product-not-valid');
    expect(refused.values).to.deep.equal({});
    world.products.between.providerAway = false;
    await world.products.synchronised(report.id);
    expect((await run(execution).catch((error) => error)).context.executionStatus).to.equal(13);
  });
});

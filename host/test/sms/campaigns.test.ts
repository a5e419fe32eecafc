// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { isOpen } from '../../bearer/sms/outbox.ts';
import { SmscRoutes } from '../../bearer/sms/smsc-routes.ts';
import { ConflictError, NotFoundError, UsageError } from '../../errors.ts';
import { campaignRoutes } from '../../rest/routes/ota/campaigns.ts';
import { PRIORITY, packetSecurity } from '../../service/ota/packet-rules.ts';
import { cardIdOfText } from '../../store/card-id.ts';
import { toHex } from '../../wire/hex.ts';
import type { StartCampaign } from '../../wire/message/campaign.ts';
import { encodeExpandedScript } from '../../wire/uicc/expanded-script.ts';
import { encodeSecurityParameters } from '../../wire/uicc/security-parameters-indicator.ts';
import { OTA } from '../ota/fixture.ts';
import { TestServer } from '../rest/fixture.ts';
import { CARD, MSISDN, ScriptedCard, SERVER, SmsNode, SmsWorld, TAR } from './fixture.ts';

/** Messages to many cards, over PostgreSQL, SMPP and an SMSC: when they leave, and what an operator may do to them. */

const HOUR_MS = 3_600_000;
const AWAY = 'iccid:8949000000000000002';
const UNREACHED = '491700000002';

describe('campaigns', function () {
  this.timeout(90_000);
  let world: SmsWorld;
  let node: SmsNode;
  let card: ScriptedCard;
  let count = 0;

  before(async () => {
    world = await SmsWorld.start();
    node = await SmsNode.open(world, await world.url('campaigns'), { resendMs: 80_000 });
    await node.subscriptions.put(CARD, { msisdn: MSISDN }, world.now());
    await node.subscriptions.put(AWAY, { msisdn: UNREACHED }, world.now());
    card = new ScriptedCard(world);
  });
  after(async () => {
    await card?.[Symbol.asyncDispose]();
    await node?.[Symbol.asyncDispose]();
    await world?.[Symbol.asyncDispose]();
  });
  afterEach(async () => {
    for (const { id } of await node.campaigns.list()) await node.campaigns.cancel(id);
    for (const text of [CARD, AWAY]) for (const { id } of await node.table.open(text)) await node.table.giveUp(id);
  });

  const campaign = (more: Partial<StartCampaign> = {}): StartCampaign => ({
    name: 'new list',
    cards: [cardIdOfText(CARD)],
    commands: ['80E2000001FF'],
    validMinutes: 24 * 60,
    ...more,
  });
  const newId = (): string => {
    count += 1;
    return String(count).padStart(32, '0');
  };
  const start = (more: Partial<StartCampaign> = {}) => node.campaigns.start(newId(), campaign(more));
  /** Waits for the first packet of a campaign. */
  async function ended(id: string) {
    const [packet] = await node.campaigns.packets(id, { after: '', limit: 1 });
    return node.outbox.until(packet?.id ?? '', (row) => !isOpen(row), 30_000);
  }
  const refusalOf = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    );
  it('by an SMSC that answers nothing leave places for those by another', async () => {
    const [hung, full, left] = [0, 1, 2].map(() => Promise.withResolvers<void>());
    let waiting = 0;
    const slow = {
      submit: async () => {
        waiting += 1;
        if (waiting === 8) full?.resolve();
        await hung?.promise;
        return 'late';
      },
    };
    const fast = {
      submit: async () => {
        left?.resolve();
        return 'soon';
      },
    };
    const others = [{ network: slow, name: 'slow', source: SERVER, prefixes: ['4915'] }];
    const groups = new Map([['meters', 'slow']]);
    const routes = new SmscRoutes({ own: { network: fast, source: SERVER }, others, groups });
    await using lanes = await SmsNode.open(world, await world.url('lanes'), { name: 'lanes', routes });
    const slowCards = Array.from({ length: 10 }, (_, index) => `iccid:894900000000000011${index}`);
    for (const [index, text] of slowCards.entries()) {
      const subscription =
        index % 2 === 0 ? { msisdn: `49150000000${index}` } : { msisdn: `4417000000${index}`, group: 'meters' };
      await lanes.subscriptions.put(text, subscription, world.now());
    }
    await lanes.subscriptions.put(CARD, { msisdn: MSISDN }, world.now());
    lanes.outbox.start();
    await lanes.campaigns.start(newId(), campaign({ cards: slowCards.map(cardIdOfText) }));
    await full?.promise;
    await lanes.campaigns.start(newId(), campaign());
    await left?.promise;
    expect(waiting).to.equal(8);
    hung?.resolve();
  });

  it('for files have STATUS as a compact script has it there, and GET STATUS for a domain', async () => {
    const scripts: string[] = [];
    for (const target of ['files', 'domain'] as const) {
      const { id } = await start({ commands: ['80F2000010'], format: 'compact', target });
      const [packet] = await node.table.ofCampaign(id, { after: '', limit: 1 });
      scripts.push(toHex(packet?.data ?? new Uint8Array()));
    }
    expect(scripts).to.deep.equal(['80F2000010', '80F200000000C0000010']);
  });

  const session = () =>
    node.outbox.add({
      card: CARD,
      keySet: 1,
      tar: TAR,
      spi: encodeSecurityParameters(packetSecurity()),
      priority: PRIORITY.SESSION,
      expiresAt: new Date(world.now().getTime() + HOUR_MS),
      data: encodeExpandedScript({
        form: 'definite',
        items: [{ kind: 'command', apdu: { cla: 0x80, ins: 0xe2, p1: 0, p2: 0, data: Uint8Array.of(1) } }],
      }),
    });

  it('go once to each card, and tell what each of them said', async () => {
    const id = newId();
    const body = campaign({ cards: [CARD, AWAY, CARD].map(cardIdOfText), sendings: 1 });
    const [first, second] = [await node.campaigns.start(id, body), await node.campaigns.start(id, body)];
    expect([first.packets.queued, second.packets.queued, first.state]).to.deep.equal([2, 2, 'running']);
    const other = await refusalOf(node.campaigns.start(id, campaign({ name: 'another' })));
    expect(other).to.be.instanceOf(ConflictError).with.property('code', 'idempotency-key-reused');
    const ran = card.ran.length;
    expect(await node.outbox.tick()).to.equal(2);
    const rows = await node.campaigns.packets(id, { after: '', limit: 500 });
    const own = rows.find(({ cardId }) => cardId.value === CARD.slice(6));
    const done = await node.outbox.until(own?.id ?? '', (row) => !isOpen(row), 30_000);
    expect(done).to.include({ state: 'answered' });
    expect(card.ran).to.have.lengthOf(ran + 1);
    const state = await node.campaigns.find(id);
    expect(state).to.deep.include({ state: 'running' });
    expect(state.packets).to.include({ answered: 1, sent: 1 });
    const [told] = (await node.campaigns.packets(id, { after: '', limit: 500 })).filter(({ status }) => status === 0);
    expect(told?.response).to.match(/^AB/);
    expect(await node.campaigns.packets(id, { after: rows[0]?.id ?? '', limit: 500 })).to.have.lengthOf(1);
  });

  it('leave in their hours alone, and as often as they may', async () => {
    const now = world.now();
    const clock = (at: Date) => at.toISOString().slice(11, 16);
    // They begin in two hours, whatever the hour is now.
    const hours = {
      from: clock(new Date(now.getTime() + 2 * HOUR_MS)),
      until: clock(new Date(now.getTime() + 4 * HOUR_MS)),
    };
    const { id } = await start({ hours });
    expect(await node.outbox.tick()).to.equal(1);
    expect((await node.campaigns.find(id)).packets.queued).to.equal(1);
    expect(await node.outbox.tick()).to.equal(0);
    world.aheadMs = 2 * HOUR_MS;
    expect(await node.outbox.tick()).to.equal(1);
    expect(await ended(id)).to.include({ state: 'answered' });
    world.aheadMs = 0;
    const wrong = await refusalOf(start({ hours: { from: '01:00', until: '02:00', timeZone: 'Mars' } }));
    expect(wrong).to.be.instanceOf(UsageError);
  });

  it('are paused, resumed and cancelled; what has left is still answered', async () => {
    const { id } = await start();
    expect((await node.campaigns.setPaused(id, true)).state).to.equal('paused');
    expect(await node.outbox.tick()).to.equal(0);
    expect((await node.campaigns.setPaused(id, false)).state).to.equal('running');
    card.reachable = false;
    expect(await node.outbox.tick()).to.equal(1);
    const waiting = await start();
    await node.campaigns.cancel(id);
    await node.campaigns.cancel(waiting.id);
    expect((await node.campaigns.find(waiting.id)).packets).to.include({ withdrawn: 1, queued: 0 });
    expect((await node.campaigns.find(id)).state).to.equal('cancelled');
    card.reachable = true;
    expect(await ended(id)).to.include({ state: 'answered' });
    const again = await refusalOf(node.campaigns.setPaused(id, false));
    expect(again).to.be.instanceOf(ConflictError).with.property('code', 'campaign-cancelled');
    expect(await refusalOf(node.campaigns.cancel('none'))).to.be.instanceOf(NotFoundError);
  });

  it('come after card sessions, also while paused, and an operator sees and takes out what waits', async () => {
    const [paused, behind] = [await start(), await start()];
    await node.campaigns.setPaused(paused.id, true);
    const urgent = await session();
    const queue = await node.campaigns.queueOf(cardIdOfText(CARD));
    expect(queue.map(({ priority, campaignId }) => [priority, campaignId])).to.deep.equal([
      [PRIORITY.SESSION, undefined],
      [PRIORITY.CAMPAIGN, paused.id],
      [PRIORITY.CAMPAIGN, behind.id],
    ]);
    // One packet of a card at a time.
    expect(await node.outbox.tick()).to.equal(1);
    expect(await node.outbox.until(urgent, (row) => !isOpen(row), 30_000)).to.include({ state: 'answered' });
    expect(await node.outbox.tick()).to.equal(1);
    expect(await ended(behind.id)).to.include({ state: 'answered' });
    const [left] = await node.campaigns.queueOf(cardIdOfText(CARD));
    await node.campaigns.withdraw(left?.id ?? '');
    expect((await node.campaigns.find(paused.id)).packets).to.include({ withdrawn: 1 });
    const gone = await refusalOf(node.campaigns.withdraw(urgent));
    expect(gone).to.be.instanceOf(ConflictError).with.property('code', 'packet-left');
    expect(await refusalOf(node.campaigns.withdraw('none'))).to.be.instanceOf(NotFoundError);
  });

  it('end where an operator waits no longer for what a card was sent, and what is behind goes', async () => {
    const first = await start({ sendings: 1 });
    card.reachable = false;
    expect(await node.outbox.tick()).to.equal(1);
    const [left] = await node.campaigns.queueOf(cardIdOfText(CARD));
    const behind = await session();
    expect(left?.state).to.equal('sent');
    expect(await refusalOf(node.campaigns.withdraw(left?.id ?? ''))).to.have.property('code', 'packet-left');
    await using server = await TestServer.start(OTA, (app) => campaignRoutes(app, node.campaigns));
    const operator = await server.client({ role: 'operator', id: 'alice', platform: OTA });
    const path = `/v1/packets/${left?.id}/give-up`;
    for (const _again of [1, 2]) await operator.call({ method: 'POST', path });
    expect((await node.campaigns.find(first.id)).packets).to.include({ lost: 1, sent: 0 });
    card.reachable = true;
    expect(await node.outbox.tick()).to.equal(1);
    expect(await node.outbox.until(behind, (row) => !isOpen(row), 30_000)).to.include({ state: 'answered' });
    const over = await refusalOf(node.campaigns.giveUp(behind));
    expect(over).to.be.instanceOf(ConflictError).with.property('code', 'packet-ended');
    expect(await refusalOf(node.campaigns.giveUp('none'))).to.be.instanceOf(NotFoundError);
  });

  it('do not take commands that no packet has room for', async () => {
    const commands = Array.from({ length: 10 }, () => `80E20000FF${'5A'.repeat(255)}`);
    expect(await refusalOf(start({ commands })))
      .to.be.instanceOf(UsageError)
      .with.property('code', 'script-too-long');
  });
});

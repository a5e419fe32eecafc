// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { sql } from 'kysely';
import { Check } from 'typebox/value';
import { CardCaller } from '../../bearer/bip/card-caller.ts';
import { CardAnswers } from '../../bearer/sms/card-answers.ts';
import { isOpen, type SmsOrder } from '../../bearer/sms/outbox.ts';
import { SmppConnection } from '../../bearer/sms/smpp-connection.ts';
import { ESM, idForms, MESSAGE_STATE, SMPP_STATUS, type SmppMessage } from '../../bearer/sms/smpp-pdu.ts';
import { type MessageNetwork, SmscRoutes } from '../../bearer/sms/smsc-routes.ts';
import { TransportError } from '../../errors.ts';
import { plainRefusal } from '../../secure-channel/scp80/response-packet.ts';
import { PRIORITY, packetSecurity } from '../../service/ota/packet-rules.ts';
import { openDatabase } from '../../store/database.ts';
import { OTA_MIGRATIONS } from '../../store/ota/lease-table.ts';
import type { PacketRow } from '../../store/ota/packet-table.ts';
import { keyReference } from '../../wire/gp/key-reference.ts';
import { toHex } from '../../wire/hex.ts';
import { UnwrapPacket } from '../../wire/message/kms.ts';
import { decodeAdminTrigger } from '../../wire/uicc/admin-trigger.ts';
import { encodeExpandedScript } from '../../wire/uicc/expanded-script.ts';
import { RESPONSE_STATUS } from '../../wire/uicc/response-status.ts';
import { MAX_COUNTER } from '../../wire/uicc/secured-packet.ts';
import { encodeSecurityParameters } from '../../wire/uicc/security-parameters-indicator.ts';
import { CARD, MSISDN, onError, packetService, ScriptedCard, SERVER, SmsNode, SmsWorld, TAR } from './fixture.ts';

/** What a mobile network does to messages, and what a data centre does to nodes: a script runs once, or not at all. */

const MINUTE_MS = 60_000;
const SESSION = { terminalId: 'desk', readerName: 'slot 1', fence: 1 };
const STRANGER = '491700000009';
const isCommand = ({ source }: SmppMessage): boolean => source === SERVER;

const callerOf = ({ outbox, subscriptions }: SmsNode): CardCaller =>
  new CardCaller({
    outbox,
    subscriptions,
    keySet: 1,
    tar: TAR,
    port: 8450,
    retries: 1,
    address: Uint8Array.of(192, 0, 2, 1),
    key: keyReference(0x40, 1),
    pause: { hours: 0, minutes: 1, seconds: 0 },
  });

describe('short messages that do not come as they were sent', function () {
  this.timeout(90_000);
  let world: SmsWorld;
  let url: string;
  let node: SmsNode;
  let card: ScriptedCard;
  let count = 0;

  before(async () => {
    world = await SmsWorld.start();
  });
  after(() => world?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    world.fate = undefined;
    world.aheadMs = 0;
    count += 1;
    await world.newSmsc();
    url = await world.url(`faults_${count}`);
    node = await SmsNode.open(world, url);
    await node.subscriptions.put(CARD, { msisdn: MSISDN, terminalId: 'desk' }, world.now());
    card = new ScriptedCard(world);
  });
  afterEach(async () => {
    await card[Symbol.asyncDispose]();
    await node[Symbol.asyncDispose]();
  });

  /** A script of so many commands of 250 bytes: two messages each, about. */
  const order = (commands = 1, more: Partial<SmsOrder> = {}): SmsOrder => ({
    card: CARD,
    keySet: 1,
    tar: TAR,
    spi: encodeSecurityParameters(packetSecurity()),
    priority: PRIORITY.NORMAL,
    expiresAt: new Date(world.now().getTime() + 10 * MINUTE_MS),
    data: encodeExpandedScript({
      form: 'definite',
      items: Array.from({ length: commands }, () => ({
        kind: 'command' as const,
        apdu: { cla: 0x80, ins: 0xe2, p1: 0, p2: 0, data: new Uint8Array(250).fill(1) },
      })),
    }),
    ...more,
  });
  const ended = async (id: string, at = node): Promise<PacketRow | undefined> =>
    at.outbox.until(id, (packet) => !isOpen(packet), 30_000);

  /** A script that one message carries. */
  const short = encodeExpandedScript({
    form: 'definite',
    items: [{ kind: 'command', apdu: { cla: 0x80, ins: 0xe2, p1: 0, p2: 0, data: Uint8Array.of(1) } }],
  });

  it('lost: the same bytes go again', async () => {
    const seen: string[] = [];
    world.fate = (message) => {
      if (!isCommand(message)) return { copies: 1 };
      seen.push(Buffer.from(message.userData).toString('hex'));
      return { copies: seen.length === 1 ? 0 : 1 };
    };
    node.outbox.start();
    const done = await ended(await node.outbox.add(order(1)));
    expect(done).to.include({ state: 'answered', counter: 1 });
    expect(card.ran).to.have.lengthOf(1);
    // Three parts, and at least the one that was lost again.
    expect(seen).to.have.lengthOf.at.least(4);
    expect(new Set(seen).size).to.equal(3);
  });

  it('doubled: the card takes one, and its word about the other one changes nothing', async () => {
    world.fate = (message) => ({ copies: isCommand(message) ? 2 : 1 });
    node.outbox.start();
    const done = await ended(await node.outbox.add(order(2)));
    expect(done).to.include({ state: 'answered', status: 0, authenticated: true });
    expect(card.ran).to.have.lengthOf(2);
  });

  it('reordered: parts come in any order, both ways', async () => {
    await card[Symbol.asyncDispose]();
    card = new ScriptedCard(world, { data: () => new Uint8Array(250).fill(7) });
    // Each part waits for the one after it; the last one goes first.
    const gates: (() => void)[] = [];
    let held = 0;
    world.fate = (message) => {
      const [, , , , total, sequence] = message.userData;
      if (total === undefined || sequence === undefined || (message.esmClass & ESM.TYPE_MASK) !== 0)
        return { copies: 1 };
      if (message.userData[1] !== 0) return { copies: 1 };
      if (sequence === total) {
        for (const open of gates.splice(0).reverse()) open();
        return { copies: 1 };
      }
      held += 1;
      return { copies: 1, after: new Promise<void>((open) => gates.push(open)) };
    };
    node.outbox.start();
    const done = await ended(await node.outbox.add(order(2)));
    expect(done).to.include({ state: 'answered' });
    expect(done?.response?.length).to.be.greaterThan(500);
    expect(held).to.be.greaterThan(4);
    expect(card.ran).to.have.lengthOf(2);
  });

  it('delayed a day: what nobody waits for any more is lost, and its late answer is none', async () => {
    const day = Promise.withResolvers<void>();
    world.fate = (message) => (isCommand(message) ? { copies: 1, after: day.promise } : { copies: 1 });
    const id = await node.outbox.add(order(1));
    expect(await node.outbox.tick()).to.equal(1);
    expect(await node.table.find(id)).to.include({ state: 'sent' });
    world.aheadMs = 24 * 60 * MINUTE_MS;
    await node.outbox.tick();
    expect(await node.table.find(id)).to.include({ state: 'lost' });
    // The next packet goes before the late one comes, and has a higher counter: the late one finds the card closed.
    world.fate = undefined;
    const next = await node.outbox.add(order(1));
    node.outbox.start();
    expect(await ended(next)).to.include({ state: 'answered', counter: 2 });
    day.resolve();
    while (node.stray.every((reason) => reason.startsWith('a receipt')))
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect(card.ran).to.have.lengthOf(1);
    expect(await node.table.find(id)).to.include({ state: 'lost' });
  });

  it('delayed a day: a packet that is valid for two is answered', async () => {
    card.reachable = false;
    const expiresAt = new Date(world.now().getTime() + 2 * 24 * 60 * MINUTE_MS);
    const id = await node.outbox.add(order(1, { expiresAt }));
    await node.outbox.tick();
    world.aheadMs = 24 * 60 * MINUTE_MS;
    card.reachable = true;
    node.outbox.start();
    expect(await ended(id)).to.include({ state: 'answered' });
    expect(card.ran).to.have.lengthOf(1);
  });

  it('a part is missing: all of it goes again until it is whole', async () => {
    let commands = 0;
    world.fate = (message) => {
      if (!isCommand(message)) return { copies: 1 };
      commands += 1;
      return { copies: commands === 2 ? 0 : 1 };
    };
    node.outbox.start();
    expect(await ended(await node.outbox.add(order(2)))).to.include({ state: 'answered' });
    expect(card.ran).to.have.lengthOf(2);
  });

  it('a part of the answer is missing: the packet is lost, and says nothing of its outcome', async () => {
    await card[Symbol.asyncDispose]();
    card = new ScriptedCard(world, { data: () => new Uint8Array(250).fill(7) });
    let parts = 0;
    world.fate = (message) => {
      if (isCommand(message) || (message.esmClass & ESM.TYPE_MASK) !== 0) return { copies: 1 };
      parts += 1;
      return { copies: parts === 1 ? 0 : 1 };
    };
    const id = await node.outbox.add(order(1));
    await node.outbox.tick();
    while ((await node.table.find(id))?.status === null) await new Promise((resolve) => setTimeout(resolve, 2));
    world.aheadMs = 10 * MINUTE_MS;
    await node.outbox.tick();
    expect(await node.table.find(id)).to.include({ state: 'lost', status: RESPONSE_STATUS.RESPONSE_BY_SUBMIT });
    expect(card.ran).to.have.lengthOf(1);
  });

  it('the answer that a card has promised never comes: what is behind goes a quarter of an hour later', async () => {
    const day = new Date(world.now().getTime() + 24 * 60 * MINUTE_MS);
    const { MORE_TIME, RESPONSE_BY_SUBMIT, RESPONSE_BY_USSD } = RESPONSE_STATUS;
    for (const says of [MORE_TIME, RESPONSE_BY_SUBMIT, RESPONSE_BY_USSD]) {
      await card[Symbol.asyncDispose]();
      card = new ScriptedCard(world, { says, forgetful: true });
      world.aheadMs = 0;
      const id = await node.outbox.add(order(1, { data: short, priority: PRIORITY.CAMPAIGN, expiresAt: day }));
      await node.outbox.tick();
      while ((await node.table.find(id))?.status !== says) await new Promise((resolve) => setTimeout(resolve, 2));
      await card[Symbol.asyncDispose]();
      card = new ScriptedCard(world, { forgetful: true });
      const waiting = { data: short, priority: PRIORITY.SESSION, expiresAt: day };
      const behind = await node.outbox.add(order(1, waiting));
      world.aheadMs = 14 * MINUTE_MS;
      expect(await node.outbox.tick()).to.equal(0);
      expect(await node.table.find(id)).to.include({ state: 'sent' });
      world.aheadMs = 16 * MINUTE_MS;
      expect(await node.outbox.tick()).to.equal(1);
      expect(await node.table.find(id)).to.include({ state: 'lost', status: says });
      expect(await ended(behind)).to.include({ state: 'answered' });
    }
  });

  it('the answer that a card has promised comes when nobody waits: by its proof the packet is answered', async () => {
    await card[Symbol.asyncDispose]();
    card = new ScriptedCard(world, { data: () => new Uint8Array(250).fill(7) });
    const day = new Date(world.now().getTime() + 24 * 60 * MINUTE_MS);
    const answers = new CardAnswers({ table: node.table, packets: packetService() });
    const forged = { source: MSISDN, destination: SERVER, esmClass: ESM.HEADER, pid: 0x7f, dcs: 0xf6 };
    for (const session of [undefined, SESSION]) {
      world.aheadMs = 0;
      const hours = Promise.withResolvers<void>();
      world.fate = (message) => {
        const isAnswer = !isCommand(message) && (message.esmClass & ESM.TYPE_MASK) === 0;
        return isAnswer ? { copies: 1, after: hours.promise } : { copies: 1 };
      };
      const id = await node.outbox.add(order(1, { data: short, expiresAt: day, ...(session && { session }) }));
      await node.outbox.tick();
      while ((await node.table.find(id))?.status == null) await new Promise((resolve) => setTimeout(resolve, 2));
      world.aheadMs = 16 * MINUTE_MS;
      await node.outbox.tick();
      await answers.received({ ...forged, userData: plainRefusal(TAR, RESPONSE_STATUS.TAR_UNKNOWN) });
      expect(await node.table.find(id)).to.include({ state: 'lost', authenticated: null, response: null });
      const strays = () => node.stray.filter((reason) => !reason.startsWith('a receipt')).length;
      const before = strays();
      hours.resolve();
      const isOver = async () => strays() > before || (await node.table.find(id))?.state !== 'lost';
      while (!(await isOver())) await new Promise((resolve) => setTimeout(resolve, 2));
      const { state, authenticated, response } = (await node.table.find(id)) ?? {};
      expect([state, authenticated]).to.deep.equal(session === undefined ? ['answered', true] : ['lost', null]);
      expect(response?.length ?? 0).to.equal(session === undefined ? 262 : 0);
    }
    expect(card.ran).to.have.lengthOf(2);
  });

  it('a refusal that is anybody’s comes before the answer: by its proof the packet is answered', async () => {
    const answers = new CardAnswers({ table: node.table, packets: packetService() });
    const later = Promise.withResolvers<void>();
    world.fate = (message) => (isCommand(message) ? { copies: 1 } : { copies: 1, after: later.promise });
    const id = await node.outbox.add(order(1, { data: short }));
    await node.outbox.tick();
    while (card.ran.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    const forged = { source: MSISDN, destination: SERVER, esmClass: ESM.HEADER, pid: 0x7f, dcs: 0xf6 };
    await answers.received({ ...forged, userData: plainRefusal(TAR, RESPONSE_STATUS.TAR_UNKNOWN) });
    const told = { state: 'lost', status: RESPONSE_STATUS.TAR_UNKNOWN, authenticated: false };
    expect(await node.table.find(id)).to.include(told);
    later.resolve();
    while ((await node.table.find(id))?.state === 'lost') await new Promise((resolve) => setTimeout(resolve, 2));
    expect(await node.table.find(id)).to.include({ state: 'answered', authenticated: true });
  });

  it('a part of the answer comes late: the card has said that it follows, and nothing goes again', async () => {
    await card[Symbol.asyncDispose]();
    card = new ScriptedCard(world, { data: () => new Uint8Array(250).fill(7) });
    const [minutes, reports] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let acknowledged = 0;
    world.fate = (message) => {
      // Its packet comes twice: the card says that the answer follows, and of the copy that it is one.
      if (isCommand(message)) return { copies: 2 };
      if ((message.esmClass & ESM.TYPE_MASK) === 0)
        return message.userData[5] === 1 ? { copies: 1, after: minutes.promise } : { copies: 1 };
      acknowledged += 1;
      return acknowledged === 2 ? { copies: 1, arrived: reports.resolve } : { copies: 1 };
    };
    // Its answer is there before the SMSC's, as often as not.
    const network: MessageNetwork = {
      submit: async (message, leaving = async () => true) => {
        const messageId = await node.link.submit(message, leaving);
        await reports.promise;
        return messageId;
      },
    };
    await using patient = await SmsNode.open(world, url, { name: 'patient', network });
    const id = await patient.outbox.add(order(1, { data: short }));
    expect(await patient.outbox.tick()).to.equal(1);
    expect(await patient.table.find(id)).to.include({ state: 'sent', status: RESPONSE_STATUS.RESPONSE_BY_SUBMIT });
    const received = card.received;
    world.aheadMs = 5 * MINUTE_MS;
    expect(await patient.outbox.tick()).to.equal(0);
    expect(await patient.table.find(id)).to.include({ state: 'sent', sendings: 1 });
    minutes.resolve();
    expect(await ended(id, patient)).to.include({ state: 'answered', status: RESPONSE_STATUS.OK, sendings: 1 });
    expect([card.received, card.ran.length]).to.deep.equal([received, 1]);
  });

  it('an answer in dozens of messages is taken whole', async () => {
    await card[Symbol.asyncDispose]();
    card = new ScriptedCard(world, { data: () => new Uint8Array(250).fill(7) });
    const items = Array.from({ length: 30 }, () => ({
      kind: 'command' as const,
      apdu: { cla: 0x80, ins: 0xca, p1: 0, p2: 0x66, data: new Uint8Array() },
    }));
    await using patient = await SmsNode.open(world, url, { name: 'patient', resendMs: MINUTE_MS });
    patient.outbox.start();
    const id = await patient.outbox.add(order(1, { data: encodeExpandedScript({ form: 'definite', items }) }));
    const done = await ended(id, patient);
    expect(done).to.include({ state: 'answered', sendings: 1 });
    expect(done?.response?.length).to.be.greaterThan(30 * 250);
    const answer = toHex(new Uint8Array(64 * 140));
    const header = { card: { kind: 'iccid', value: '8949000000000000001' }, keySet: 1, spi: '1639', tar: 'B20100' };
    expect(Check(UnwrapPacket, { ...header, counter: 1, answer })).to.equal(true);
  });

  it('a card that needs more time, or answers by USSD, is sent nothing again', async () => {
    for (const says of [RESPONSE_STATUS.MORE_TIME, RESPONSE_STATUS.RESPONSE_BY_USSD]) {
      await card[Symbol.asyncDispose]();
      card = new ScriptedCard(world, { says, forgetful: true });
      world.aheadMs = 0;
      const id = await node.outbox.add(order(1, { data: short }));
      await node.outbox.tick();
      while ((await node.table.find(id))?.status !== says) await new Promise((resolve) => setTimeout(resolve, 2));
      world.aheadMs = 5 * MINUTE_MS;
      expect(await node.outbox.tick()).to.equal(0);
      expect([card.received, (await node.table.find(id))?.state]).to.deep.equal([1, 'sent']);
      await node.table.giveUp(id);
    }
  });

  it('a part of the answer never came, and the card begins its references anew: the next answer is whole', async () => {
    for (const missing of [1, 3]) {
      await card[Symbol.asyncDispose]();
      card = new ScriptedCard(world, { data: () => new Uint8Array(250).fill(7), forgetful: true });
      const last = Promise.withResolvers<void>();
      world.fate = (message) => {
        const [, iei, , , total, sequence] = message.userData;
        if (isCommand(message) || (message.esmClass & ESM.TYPE_MASK) !== 0 || iei !== 0) return { copies: 1 };
        if (sequence === missing) return { copies: 0 };
        return sequence === total ? { copies: 1, arrived: last.resolve } : { copies: 1 };
      };
      const lost = await node.outbox.add(order(2));
      await node.outbox.tick();
      await last.promise;
      await node.table.giveUp(lost);
      // As many parts, under the same reference; first the one that did not come before.
      await card[Symbol.asyncDispose]();
      card = new ScriptedCard(world, { data: () => new Uint8Array(250).fill(8), forgetful: true });
      const first = Promise.withResolvers<void>();
      world.fate = (message) => {
        const [, iei, , , , sequence] = message.userData;
        if (isCommand(message) || (message.esmClass & ESM.TYPE_MASK) !== 0 || iei !== 0) return { copies: 1 };
        return sequence === missing ? { copies: 1, arrived: first.resolve } : { copies: 1, after: first.promise };
      };
      const id = await node.outbox.add(order(2));
      await node.outbox.tick();
      expect(await ended(id)).to.include({ state: 'answered' });
    }
  });

  it('has its end while the outbox looks for work: it ends then, and not when something else comes', async () => {
    node.outbox.start();
    expect(await ended(await node.outbox.add(order(1)))).to.include({ state: 'answered' });
    card.reachable = false;
    const expire = node.table.expire.bind(node.table);
    node.table.expire = async (now) => {
      node.table.expire = expire;
      const count = await expire(now);
      world.aheadMs = 2_000;
      return count;
    };
    const id = await node.outbox.add(order(1, { expiresAt: new Date(world.now().getTime() + 1_000) }));
    // Lost where it had left before.
    expect((await ended(id))?.state).to.be.oneOf(['expired', 'lost']);
  });

  it('the SMSC restarts and forgets: what it had goes again', async () => {
    card.reachable = false;
    const id = await node.outbox.add(order(2));
    await node.outbox.tick();
    expect(await node.table.find(id)).to.include({ state: 'sent' });
    await world.newSmsc(world.smsc.port);
    card.reachable = true;
    node.outbox.start();
    expect(await ended(id)).to.include({ state: 'answered', counter: 1 });
    expect(card.ran).to.have.lengthOf(2);
  });

  it('the node is killed between two messages: another one sends the rest, of the same packet', async () => {
    const seen: number[] = [];
    world.fate = (message) => {
      if (isCommand(message)) seen.push(message.userData[5] ?? 0);
      return { copies: 1 };
    };
    let submitted = 0;
    const never = new Promise<string>(() => {});
    await using dying = await SmsNode.open(world, url, {
      name: 'dying',
      network: {
        submit: (message, leaving = async () => true) => {
          submitted += 1;
          return submitted <= 2 ? node.link.submit(message, leaving) : never;
        },
      },
    });
    const id = await dying.outbox.add(order(2));
    void dying.outbox.tick();
    while (submitted < 3) await new Promise((resolve) => setTimeout(resolve, 2));
    const claimedUntil = await node.table.nextDue(world.now());
    await dying.table.hold([id], new Date(world.now().getTime() + 1_000));
    expect(await node.table.nextDue(world.now()), 'a renewal that was overtaken').to.deep.equal(claimedUntil);
    // Its claim runs out; nobody else touched the packet before.
    expect(await node.outbox.tick()).to.equal(0);
    world.aheadMs = MINUTE_MS;
    expect(await dying.outbox.tick(), 'what it has at work itself').to.equal(0);
    expect(await node.outbox.tick()).to.equal(1);
    node.outbox.start();
    expect(await ended(id)).to.include({ state: 'answered', counter: 1 });
    expect(seen.slice(0, 4)).to.deep.equal([1, 2, 3, 4]);
    expect(card.ran).to.have.lengthOf(2);
  });

  it('the turn of a packet comes late: the node that has it keeps it meanwhile', async () => {
    const [asked, turn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const network = {
      submit: async (...[message, leaving = async () => true]: Parameters<MessageNetwork['submit']>) => {
        asked.resolve();
        await turn.promise;
        return node.link.submit(message, leaving);
      },
    };
    await using slow = await SmsNode.open(world, url, { name: 'slow', network, holdMs: 20 });
    const id = await slow.outbox.add(order(1));
    const sent = slow.outbox.tick();
    await asked.promise;
    const claimedUntil = async () => (await node.table.nextDue(world.now()))?.getTime() ?? 0;
    const first = await claimedUntil();
    world.aheadMs = MINUTE_MS / 3;
    while ((await claimedUntil()) < first + MINUTE_MS / 6) await new Promise((resolve) => setTimeout(resolve, 2));
    world.aheadMs = first - Date.now() + 1;
    expect(await node.outbox.tick()).to.equal(0);
    turn.resolve();
    expect(await sent).to.equal(1);
    expect(await ended(id)).to.include({ state: 'answered', sendings: 1 });
    expect(card.received).to.equal(3);
  });

  it('a card has its number no more: its packet goes again by the SMSC that it went by', async () => {
    let submitted = 0;
    const network = {
      submit: async (...[, leaving]: Parameters<MessageNetwork['submit']>) => {
        await leaving?.();
        submitted += 1;
        return String(submitted);
      },
    };
    const own = { network: { ...network, isAway: true }, source: SERVER };
    const others = [{ network, name: 'other', source: SERVER, prefixes: [MSISDN] }];
    await using routed = await SmsNode.open(world, url, {
      name: 'routed',
      routes: new SmscRoutes({ own, others }),
    });
    await routed.outbox.add(order(1));
    expect(await routed.outbox.tick()).to.equal(1);
    expect(submitted).to.equal(3);
    await routed.subscriptions.end(CARD, world.now());
    world.aheadMs = MINUTE_MS;
    expect(await routed.outbox.tick()).to.equal(1);
    expect(submitted).to.equal(6);
  });

  it('a card goes by the SMSC of its group, with that one’s proof, as often as its own rules say', async () => {
    const seen: SmppMessage[] = [];
    const network = {
      submit: (...[message, leaving = async () => true]: Parameters<MessageNetwork['submit']>) => {
        seen.push(message);
        return node.link.submit(message, leaving);
      },
    };
    const others = [{ network, name: 'other', source: SERVER, prefixes: [], proof: 'submit' as const }];
    const groups = new Map([['meters', 'other']]);
    const routes = new SmscRoutes({ own: { network: node.link, source: SERVER }, others, groups });
    await using grouped = await SmsNode.open(world, url, { name: 'grouped', routes });
    const rules = { group: 'meters', sending: { sendings: 1 } };
    await node.subscriptions.put(CARD, { msisdn: MSISDN, ...rules }, world.now());
    const id = await grouped.outbox.add(order(1));
    await grouped.outbox.tick();
    expect(await ended(id, grouped)).to.include({ state: 'answered', authenticated: true });
    expect(seen).to.have.lengthOf(3);
    expect((await grouped.table.find(id))?.spi[1]).to.equal((order(1).spi[1] ?? 0) | 0x20);
    card.reachable = false;
    const silent = await grouped.outbox.add(order(1));
    await grouped.outbox.tick();
    world.aheadMs = 5 * MINUTE_MS;
    await grouped.outbox.tick();
    expect(seen).to.have.lengthOf(6);
    expect(await grouped.table.find(silent)).to.include({ state: 'sent', sendings: 1 });
  });

  it('a card that says nothing is called all the same: whether it calls is not waited for here', async () => {
    card.reachable = false;
    node.outbox.start();
    await node.subscriptions.put(CARD, { msisdn: MSISDN, terminalId: 'desk', agent: 'opentsm' }, world.now());
    const found = await callerOf(node).callable('desk', MSISDN);
    // Far longer than this test may take.
    const triggered = await found?.trigger('d'.repeat(32), SESSION, 60 * MINUTE_MS);
    expect(triggered).to.have.property('refused');
    const [packet] = await node.table.open(CARD);
    expect(packet?.state).to.equal('sent');
    await node.table.giveUpSession(CARD, SESSION);
    expect(await triggered?.refused).to.equal(undefined);
  });

  it('a card whose agent has a name of its own is called by that one', async () => {
    card.reachable = false;
    node.outbox.start();
    const pskIdentity = '80 01 02 of its maker';
    await node.subscriptions.put(CARD, { msisdn: MSISDN, terminalId: 'desk', agent: 'opentsm' }, world.now());
    // A change of the name alone is one, too.
    const subscription = { msisdn: MSISDN, terminalId: 'desk', agent: 'opentsm' as const, pskIdentity };
    expect(await node.subscriptions.put(CARD, subscription, world.now())).to.include({ pskIdentity });
    const found = await callerOf(node).callable('desk', MSISDN);
    expect(found?.pskIdentity).to.equal(pskIdentity);
    await found?.trigger('d'.repeat(32), SESSION, 60 * MINUTE_MS);
    const [packet] = await node.table.open(CARD);
    const { session } = decodeAdminTrigger(packet?.data ?? new Uint8Array());
    expect(session?.security?.map((one) => Buffer.from(one.pskIdentity).toString())).to.deep.equal([pskIdentity]);
    expect(session?.http?.agentId).to.equal(CARD);
    await node.table.giveUpSession(CARD, SESSION);
  });

  it('the counter is at its end: nothing leaves, and the packet says so at once', async () => {
    const database = await openDatabase<unknown>({ url, migrations: OTA_MIGRATIONS, connections: 1, onError });
    await sql`INSERT INTO packet_counters VALUES (${CARD}, 1, ${MAX_COUNTER - 1})`.execute(database);
    await database.destroy();
    node.outbox.start();
    const [last, none] = [await node.outbox.add(order(1)), await node.outbox.add(order(1))];
    expect(await ended(last)).to.include({ state: 'answered', counter: MAX_COUNTER });
    expect(await ended(none)).to.include({ state: 'withdrawn', counter: null });
    expect(card.ran).to.have.lengthOf(1);
  });

  it('the counter is behind the card’s: the packet tells, and goes when an operator has raised it', async () => {
    const step = 1_000;
    await node.table.skipTo(CARD, 1, { counter: 41, step });
    node.outbox.start();
    expect(await ended(await node.outbox.add(order(1)))).to.include({ state: 'answered', counter: 42 });
    const database = await openDatabase<unknown>({ url, migrations: OTA_MIGRATIONS, connections: 1, onError });
    await sql`UPDATE packet_counters SET counter = 7`.execute(database);
    await database.destroy();
    const behind = await ended(await node.outbox.add(order(1)));
    expect(behind).to.include({ state: 'lost', counter: 8, status: RESPONSE_STATUS.COUNTER_LOW });
    const skipTo = (counter: number) => node.table.skipTo(CARD, 1, { counter, step });
    expect(await skipTo(7), 'counters only rise').to.deep.equal({ raised: false, last: 8 });
    expect(await skipTo(1_009), 'and not to the end').to.deep.equal({ raised: false, last: 8 });
    expect(await node.table.skipTo('iccid:8949000000000000002', 1, { counter: 1, step })).to.equal(undefined);
    expect(await skipTo(100)).to.deep.equal({ raised: true, last: 8 });
    expect(await node.table.counters(CARD)).to.deep.equal([{ keySet: 1, counter: 100 }]);
    expect(await ended(await node.outbox.add(order(1)))).to.include({ state: 'answered', counter: 101 });
  });

  it('two nodes never use a counter twice, nor have two packets of a card under way', async () => {
    await using second = await SmsNode.open(world, url, { name: 'second' });
    node.outbox.start();
    second.outbox.start();
    const ids = [];
    for (let index = 0; index < 6; index += 1) ids.push(await [node, second][index % 2]?.outbox.add(order(1)));
    const rows = await Promise.all(ids.map((id) => ended(id ?? '')));
    expect(rows.map((row) => row?.state)).to.deep.equal(ids.map(() => 'answered'));
    expect(new Set(rows.map((row) => row?.counter)).size).to.equal(6);
    expect(card.ran).to.have.lengthOf(6);
  });

  it('the most urgent of a card goes first, and quiet hours hold what can wait', async () => {
    const morning = new Date(world.now().getTime() + 60 * MINUTE_MS);
    await using quiet = await SmsNode.open(world, url, {
      quietUntil: (at) => (at < morning ? morning : at),
    });
    const expiresAt = new Date(morning.getTime() + 60 * MINUTE_MS);
    const campaign = await quiet.outbox.add(order(1, { priority: PRIORITY.CAMPAIGN, expiresAt }));
    const normal = await quiet.outbox.add(order(1, { priority: PRIORITY.NORMAL, expiresAt }));
    const session = await quiet.outbox.add(order(1, { priority: PRIORITY.SESSION, expiresAt }));
    quiet.outbox.start();
    expect(await ended(session, quiet)).to.include({ counter: 1 });
    // Held, both of them: one that was taken up before the clock jumps would leave by the new time.
    const database = await openDatabase<unknown>({ url, migrations: [], connections: 1, onError });
    const early = sql`SELECT id FROM sms_packets WHERE state = 'queued' AND next_at < ${morning}`;
    while ((await early.execute(database)).rows.length > 0) await quiet.outbox.tick();
    await database.destroy();
    expect((await quiet.table.open(CARD)).map(({ id }) => id)).to.deep.equal([normal, campaign]);
    world.aheadMs = 61 * MINUTE_MS;
    await quiet.outbox.tick();
    const rows = [await ended(normal, quiet), await ended(campaign, quiet)];
    expect(rows.map((row) => row?.state)).to.deep.equal(['answered', 'answered']);
    const [first = 0, second = 0] = rows.map((row) => row?.counter ?? 0);
    expect(first).to.be.within(2, second - 1);
  });

  it('receipts of others, forged or of unknown messages change nothing: the packet waits for its answer', async () => {
    card.reachable = false;
    const id = await node.outbox.add(order(1));
    await node.outbox.tick();
    const [first] = await node.table.messages(id);
    const ids = world.smsc.lastId;
    const receipts: readonly (readonly [string, string | undefined, number])[] = [
      [STRANGER, ids, MESSAGE_STATE.DELIVERED],
      [MSISDN, 'FFFFFFFF', MESSAGE_STATE.DELIVERED],
      [MSISDN, undefined, MESSAGE_STATE.UNDELIVERABLE],
      [STRANGER, ids, MESSAGE_STATE.UNDELIVERABLE],
    ];
    const came = Promise.withResolvers<void>();
    await using forger = await SmppConnection.bind({
      smsc: { host: '127.0.0.1', port: world.smsc.port, systemId: STRANGER, password: 'secret' },
      mode: 'transmitter',
      onMessage: async () => 0,
    });
    node.onStray = () => {
      if (node.stray.length === receipts.length) came.resolve();
    };
    for (const [source, messageId, messageState] of receipts)
      await forger.submit({
        source,
        destination: SERVER,
        esmClass: ESM.DELIVERY_RECEIPT,
        pid: 0,
        dcs: 0,
        messageState,
        userData: new Uint8Array(Buffer.from('id:?? stat:DELIVRD', 'latin1')),
        ...(messageId === undefined ? {} : { messageId }),
      });
    await came.promise;
    expect(first?.state).to.equal('sent');
    expect((await node.table.messages(id)).map(({ state }) => state)).to.deep.equal(['sent', 'sent', 'sent']);
    card.reachable = true;
    node.outbox.start();
    expect(await ended(id)).to.include({ state: 'answered', counter: 1 });
  });

  it('receipts of a message leave those alone whose number is the same in another notation', async () => {
    const id = await node.outbox.add(order(1));
    card.reachable = false;
    await node.outbox.tick();
    const database = await openDatabase<unknown>({ url, migrations: OTA_MIGRATIONS, connections: 1, onError });
    for (const [sequence, messageId] of ['10', '16', '22'].entries())
      await sql`UPDATE sms_messages SET message_id = ${messageId} WHERE sequence = ${sequence + 1}`.execute(database);
    await database.destroy();
    const states = async () => (await node.table.messages(id)).map(({ state }) => state);
    expect(await node.table.partReported(idForms('16'), MSISDN, true)).to.equal(true);
    expect(await states()).to.deep.equal(['sent', 'delivered', 'sent']);
    expect(await node.table.partReported(idForms('A'), MSISDN, true)).to.equal(true);
    expect(await states()).to.deep.equal(['delivered', 'delivered', 'sent']);
    const answers = new CardAnswers({ table: node.table, packets: packetService() });
    const fields = { source: MSISDN, destination: SERVER, esmClass: ESM.DELIVERY_RECEIPT, pid: 0, dcs: 0 };
    const userData = Uint8Array.from(Buffer.from('id:\0 stat:DELIVRD', 'latin1'));
    expect(await answers.received({ ...fields, userData }), 'and not to come again').to.equal(SMPP_STATUS.OK);
  });

  it('parts that are no answer of a card are not kept, and few of those that say so', async () => {
    const header = (total: number, reference = 1) => Uint8Array.of(5, 0, 3, reference, total, 1);
    const part = (source: string, total: number, more = 0): SmppMessage => ({
      source,
      destination: SERVER,
      esmClass: ESM.HEADER,
      pid: 0x7f,
      dcs: 0xf6,
      userData: Uint8Array.from([...header(total), ...new Uint8Array(more)]),
    });
    const database = await openDatabase<unknown>({ url, migrations: OTA_MIGRATIONS, connections: 1, onError });
    const kept = async () =>
      (await sql<{ count: number }>`SELECT count(*)::int AS count FROM sms_answer_parts`.execute(database)).rows[0]
        ?.count;
    const answers = new CardAnswers({ table: node.table, packets: packetService() });
    await answers.received(part(MSISDN, 2));
    card.reachable = false;
    await node.outbox.add(order(1));
    await node.outbox.tick();
    for (const stray of [part(STRANGER, 2), part(MSISDN, 65), part(MSISDN, 2, 249)]) await answers.received(stray);
    expect(await kept()).to.equal(0);
    for (let reference = 0; reference < 70; reference++) {
      const fields = { reference: `n${reference}`, sequence: 1, total: 2, userData: header(2, reference) };
      await node.table.answerPart(MSISDN, fields, world.now());
    }
    expect(await kept()).to.equal(64);
    const rest = { reference: 'n69', sequence: 2, total: 2, userData: header(2, 69) };
    expect(await node.table.answerPart(MSISDN, rest, world.now())).to.have.lengthOf(2);
    await database.destroy();
  });

  it('the SMSC says nothing of a packet of several parts: each goes once in a sending', async () => {
    const seen: number[] = [];
    const network = {
      submit: async (...[message, leaving]: Parameters<MessageNetwork['submit']>): Promise<string> => {
        await leaving?.();
        seen.push(message.userData[5] ?? 0);
        throw new TransportError('smsc-unknown', 'no answer', { silent: true });
      },
    };
    await using silent = await SmsNode.open(world, url, { name: 'silent', network, maxSendings: 1 });
    const id = await silent.outbox.add(order(2));
    for (let seconds = 0; seconds < 6; seconds += 1) {
      world.aheadMs = seconds * 1_000;
      await silent.outbox.tick();
    }
    expect(seen).to.deep.equal([1, 2, 3, 4, 5]);
    expect(await silent.table.find(id)).to.include({ state: 'sent', sendings: 1 });
  });

  it('the SMSC says nothing of one part when they go again: those behind it go in the same sending', async () => {
    const seen: number[] = [];
    const network = {
      submit: async (...[message, leaving]: Parameters<MessageNetwork['submit']>): Promise<string> => {
        await leaving?.();
        seen.push(message.userData[5] ?? 0);
        if (seen.length === 6) throw new TransportError('smsc-unknown', 'no answer', { silent: true });
        if (seen.length === 9) throw new TransportError('smsc-busy', 'throttled');
        return `id ${seen.length}`;
      },
    };
    await using broken = await SmsNode.open(world, url, { name: 'broken', network, maxSendings: 2 });
    const id = await broken.outbox.add(order(2));
    await broken.outbox.tick();
    expect(await broken.table.find(id)).to.include({ state: 'sent', sendings: 1 });
    // The resend, the rest of it behind the silence, and the rest of that behind the refusal.
    for (let seconds = 1; seconds < 6; seconds += 1) {
      world.aheadMs = seconds * 1_000;
      await broken.outbox.tick();
      // What has come by then need not go.
      if (seconds === 1) await broken.table.partReported(['id 5'], MSISDN, true);
    }
    expect(seen).to.deep.equal([1, 2, 3, 4, 5, ...[1, 2, 3, 4, 4]]);
    expect(await broken.table.find(id)).to.include({ state: 'sent', sendings: 2 });
  });

  it('the SMSC may have it and says nothing: it goes as often as its rules say, and is lost in the end', async () => {
    let submitted = 0;
    const network = {
      submit: async (...[, leaving]: Parameters<MessageNetwork['submit']>): Promise<string> => {
        await leaving?.();
        submitted += 1;
        throw new TransportError('smsc-unknown', 'no answer', { silent: submitted % 2 === 1 });
      },
    };
    await using silent = await SmsNode.open(world, url, {
      name: 'silent',
      network,
      maxSendings: 3,
      resendMs: MINUTE_MS,
    });
    const id = await silent.outbox.add(order(1, { data: short }));
    const took: number[] = [];
    for (const minutes of [0, 0.5, 1.1, 1.2, 3, 5, 8]) {
      world.aheadMs = minutes * MINUTE_MS;
      took.push(await silent.outbox.tick());
    }
    // The second sending was cut off, so that the third one is soon; the looks after it send nothing.
    expect(took.slice(0, 4)).to.deep.equal([1, 0, 1, 1]);
    expect(submitted).to.equal(3);
    expect(await silent.table.find(id)).to.include({ state: 'sent', sendings: 3 });
    world.aheadMs = 10 * MINUTE_MS + 1_000;
    await silent.outbox.tick();
    expect(await silent.table.find(id)).to.include({ state: 'lost' });
  });

  it('the connection ends at one of its parts: the rest goes in the same sending', async () => {
    const seen: number[] = [];
    await using cut = await SmsNode.open(world, url, {
      name: 'cut',
      maxSendings: 1,
      network: {
        submit: async (message, leaving = async () => true) => {
          seen.push(message.userData[5] ?? 0);
          const id = await node.link.submit(message, leaving);
          if (seen.length === 3) throw new TransportError('smsc-unknown', 'the SMSC has ended the connection');
          return id;
        },
      },
    });
    const id = await cut.outbox.add(order(2));
    expect(await cut.outbox.tick()).to.equal(1);
    expect((await cut.table.messages(id)).map(({ state }) => state)).to.include.members(['sent', 'queued']);
    expect(await cut.table.find(id)).to.include({ state: 'sent', sendings: 0 });
    world.aheadMs = 1_000;
    expect(await cut.outbox.tick()).to.equal(1);
    expect(seen).to.deep.equal([1, 2, 3, 4, 5]);
    expect(await ended(id, cut)).to.include({ state: 'answered', sendings: 1 });
    expect(card.ran).to.have.lengthOf(2);
  });

  it('a card without a number is left alone, whoever may have one behind it, and goes when it gets one', async () => {
    await node.subscriptions.end(CARD, world.now());
    const id = await node.outbox.add(order(1));
    expect([await node.outbox.tick(), await node.outbox.tick()]).to.deep.equal([0, 0]);
    await node.startAsleep();
    await node.subscriptions.put(CARD, { msisdn: MSISDN }, world.now());
    expect(await ended(id)).to.include({ state: 'answered' });
  });

  it('the SMSC refuses for good: the packet ends as one that never left', async () => {
    await using refused = await SmsNode.open(world, url, {
      network: {
        submit: async () => {
          throw new TransportError('smsc-refused', 'no such number', { status: SMPP_STATUS.INVALID_DESTINATION });
        },
      },
    });
    const id = await refused.outbox.add(order(1));
    await refused.outbox.tick();
    expect(await refused.table.find(id)).to.include({ state: 'withdrawn' });
  });
});

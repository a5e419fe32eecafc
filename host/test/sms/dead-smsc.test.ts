// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { expect } from 'chai';
import { createServer, type Pdu, type Session } from 'smpp';
import { isOpen } from '../../bearer/sms/outbox.ts';
import { SmppLink } from '../../bearer/sms/smpp-link.ts';
import { SMPP_STATUS } from '../../bearer/sms/smpp-pdu.ts';
import { type MessageNetwork, SmscRoutes } from '../../bearer/sms/smsc-routes.ts';
import { PRIORITY, packetSecurity } from '../../service/ota/packet-rules.ts';
import { cardIdOfText } from '../../store/card-id.ts';
import { encodeExpandedScript } from '../../wire/uicc/expanded-script.ts';
import { encodeSecurityParameters } from '../../wire/uicc/security-parameters-indicator.ts';
import { CARD, MSISDN, ScriptedCard, SERVER, SmsNode, SmsWorld, TAR } from './fixture.ts';

/** SMSCs that answer nothing, or are not there: what waits for them, and what does not. */

/** Places of card sessions by one SMSC, and its window. */
const PLACES = 64;
const WINDOW = 10;
const MINUTE_MS = 60_000;

describe('an SMSC', function () {
  this.timeout(90_000);
  let world: SmsWorld;

  before(async () => {
    world = await SmsWorld.start();
  });
  after(async () => {
    await world?.[Symbol.asyncDispose]();
  });

  /** A packet of a card session. */
  const order = (card: string) => ({
    card,
    keySet: 1,
    tar: TAR,
    spi: encodeSecurityParameters(packetSecurity()),
    priority: PRIORITY.SESSION,
    expiresAt: new Date(world.now().getTime() + MINUTE_MS),
    data: encodeExpandedScript({
      form: 'definite',
      items: [{ kind: 'command', apdu: { cla: 0x80, ins: 0xe2, p1: 0, p2: 0, data: Uint8Array.of(1) } }],
    }),
  });

  it('that takes binds and answers nothing else holds up no card session by another one', async () => {
    const asked = Promise.withResolvers<void>();
    const sessions = new Set<Session>();
    await using server = createServer({}, (session) => {
      sessions.add(session);
      session.on('error', () => session.destroy());
      session.on('pdu', (pdu: Pdu) => {
        if (pdu.command === 'bind_transceiver') session.send(pdu.response({ system_id: 'dead' }));
        if (pdu.command === 'submit_sm') asked.resolve();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const bound = Promise.withResolvers<void>();
    const dead = new SmppLink({
      smsc: { host: '127.0.0.1', port, systemId: SERVER, password: 'secret' },
      mode: 'transceiver',
      onMessage: async () => SMPP_STATUS.OK,
      answerMs: MINUTE_MS,
      onState: ({ kind }) => {
        if (kind === 'bound') bound.resolve();
      },
    });
    await using parts = new AsyncDisposableStack();
    parts.use(dead);
    await bound.promise;
    // Their own SMSC is the dead one; the card's is another.
    const own = { network: dead, source: SERVER };
    const late = Promise.withResolvers<SmppLink>();
    const alive = {
      submit: async (...[one, leaving = async () => true]: Parameters<MessageNetwork['submit']>) =>
        (await late.promise).submit(one, leaving),
    };
    const others = [{ network: alive, name: 'alive', source: SERVER, prefixes: [MSISDN] }];
    const routes = new SmscRoutes({ own, others });
    const node = parts.use(await SmsNode.open(world, await world.url('dead'), { routes }));
    late.resolve(node.link);
    parts.use(new ScriptedCard(world));
    // What hangs ends first.
    parts.defer(() => sessions.forEach((session) => void session.destroy()));
    await node.subscriptions.put(CARD, { msisdn: MSISDN }, world.now());
    const waiting: string[] = [];
    for (let index = 0; index <= PLACES; index += 1) {
      const card = `iccid:89490000000000002${String(index).padStart(2, '0')}`;
      await node.subscriptions.put(card, { msisdn: `4415000000${String(index).padStart(2, '0')}` }, world.now());
      waiting.push(await node.outbox.add(order(card)));
    }
    node.outbox.start();
    await asked.promise;
    const id = await node.outbox.add(order(CARD));
    expect(await node.outbox.until(id, (row) => !isOpen(row), MINUTE_MS)).to.include({ state: 'answered' });
    // What has no turn in the window has not left: whoever waits for it takes it back, and tries another bearer.
    const withdrawn = await Promise.all(waiting.map((one) => node.outbox.withdraw(one)));
    expect(withdrawn.filter((was) => !was)).to.have.lengthOf(WINDOW);
  });

  for (const [name, campaigns, places, kept] of [
    ['card sessions', false, { one: PLACES, all: 256 }, 8],
    ['campaigns', true, { one: 8, all: 32 }, 2],
  ] as const)
    it(`that hangs, as four others do, holds up no ${name} by the rest, and has its part of all places`, async () => {
      const DEAD = 5;
      const hung = Promise.withResolvers<void>();
      let waiting = 0;
      const dead = {
        submit: async () => {
          waiting += 1;
          await hung.promise;
          return undefined;
        },
      };
      await using parts = new AsyncDisposableStack();
      const late = Promise.withResolvers<SmppLink>();
      const alive = {
        submit: async (...[one, leaving = async () => true]: Parameters<MessageNetwork['submit']>) =>
          (await late.promise).submit(one, leaving),
      };
      const others = [
        ...Array.from({ length: DEAD }, (_, lane) => ({ network: dead, name: `dead${lane}`, prefixes: [`33${lane}`] })),
        { network: alive, name: 'alive', prefixes: [MSISDN] },
      ].map((one) => ({ ...one, source: SERVER }));
      const routes = new SmscRoutes({ own: { network: dead, source: SERVER }, others });
      const node = parts.use(await SmsNode.open(world, await world.url(`five_${campaigns}`), { routes }));
      late.resolve(node.link);
      parts.use(new ScriptedCard(world));
      parts.defer(() => hung.resolve());
      const cards = Array.from({ length: DEAD * places.one }, (_, index) => ({
        card: `iccid:8949000000000001${String(index).padStart(3, '0')}`,
        msisdn: `33${index % DEAD}${String(index).padStart(8, '0')}`,
      }));
      for (const { card, msisdn } of [...cards, { card: CARD, msisdn: MSISDN }])
        await node.subscriptions.put(card, { msisdn }, world.now());
      const packets = async (wanted: readonly string[], id: string) => {
        if (!campaigns) return Promise.all(wanted.map((card) => node.outbox.add(order(card))));
        const commands = ['80E2000001FF'];
        const ids = wanted.map(cardIdOfText);
        await node.campaigns.start(id.repeat(32), { name: 'list', cards: ids, commands, validMinutes: 60 });
        return (await node.campaigns.packets(id.repeat(32), { after: '', limit: 1_000 })).map((packet) => packet.id);
      };
      await packets(
        cards.map(({ card }) => card),
        'a',
      );
      node.outbox.start();
      const [id = ''] = await packets([CARD], 'b');
      expect(await node.outbox.until(id, (row) => !isOpen(row), MINUTE_MS)).to.include({ state: 'answered' });
      while (waiting < places.all + kept) await new Promise((resolve) => setTimeout(resolve, 2));
      await node.outbox.tick();
      expect(waiting).to.equal(places.all + kept);
    });

  it('that is away has nothing taken up for it, and gets it when it is back', async () => {
    await using node = await SmsNode.open(world, await world.url('away'));
    await using _card = new ScriptedCard(world);
    await node.subscriptions.put(CARD, { msisdn: MSISDN }, world.now());
    const away = node.away();
    const { port } = world.smsc;
    await world.smsc[Symbol.asyncDispose]();
    await away;
    const commands = ['80E2000001FF'];
    const campaign = { name: 'new list', cards: [cardIdOfText(CARD)], commands, validMinutes: 60 };
    await node.campaigns.start('1'.repeat(32), campaign);
    const session = await node.outbox.add(order(CARD));
    expect(await node.outbox.tick()).to.equal(0);
    // It sleeps when the SMSC comes back.
    await node.startAsleep();
    await world.newSmsc(port);
    expect(await node.outbox.until(session, (row) => !isOpen(row), MINUTE_MS)).to.include({ state: 'answered' });
    const [packet] = await node.campaigns.packets('1'.repeat(32), { after: '', limit: 1 });
    const sent = await node.outbox.until(packet?.id ?? '', (row) => !isOpen(row), MINUTE_MS);
    expect(sent).to.include({ state: 'answered' });
  });
});

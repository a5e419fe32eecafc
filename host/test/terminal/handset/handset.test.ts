// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { mock } from 'node:test';
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../../setup/soak/runs.ts';
import { Handset, type HandsetOptions } from '../../../service/terminal/handset/handset.ts';
import { fromHex, toHex } from '../../../wire/hex.ts';
import { LINK, TRANSPORT } from '../../../wire/uicc/cat-channel-values.ts';
import { catObject, findValue } from '../../../wire/uicc/cat-object.ts';
import { EVENT } from '../../../wire/uicc/event-download.ts';
import { DEVICE } from '../../../wire/uicc/proactive-command.ts';
import { BIP_CAUSE, RESULT } from '../../../wire/uicc/terminal-response.ts';
import { ScriptedCard } from './scripted-card.ts';

const SELECT = fromHex('00A4040000');
const PROFILE_INS = 0x10;
const STATUS_INS = 0xf2;
const ENVELOPE_INS = 0xc2;

async function withHandset(options: HandsetOptions, act: (card: ScriptedCard, handset: Handset) => Promise<void>) {
  const card = new ScriptedCard();
  await using handset = await Handset.start(card, options);
  await act(card, handset);
}

describe('a handset', () => {
  it('tells the card its profile, and does what the card sets up before anything else', async () => {
    const card = new ScriptedCard();
    const answered = card.ask('setUpEventList', [catObject('eventList', [EVENT.DATA_AVAILABLE])]);
    await using _handset = await Handset.start(card);
    expect(card.received[0]?.[1]).to.equal(PROFILE_INS);
    expect((await answered).general).to.equal(RESULT.OK);
  });

  it('does what the card asks for after a command, and gives the command its own answer', async () => {
    const texts: string[] = [];
    const user = {
      showText: ({ text }: { readonly text: Uint8Array }) => void texts.push(Buffer.from(text).toString()),
    };
    await withHandset({ user }, async (card, handset) => {
      const shown = card.ask('displayText', [catObject('textString', { dcs: 4, text: Buffer.from('hello') })]);
      const again = card.ask('moreTime');
      expect(toHex(await handset.transmit(SELECT))).to.equal('9000');
      expect([(await shown).general, (await again).general, texts]).to.deep.equal([0, 0, ['hello']]);
    });
  });

  it('says of each command that it cannot do why not', async () => {
    await withHandset({}, async (card, handset) => {
      const unknown = card.askBytes(fromHex('D009810301550082028182'));
      const foreign = card.askBytes(fromHex('D00C810301210082028182FE0101'));
      const incomplete = card.askBytes(fromHex('D009810301130082028182'));
      const noNetwork = card.ask('sendShortMessage', [catObject('smsTpdu', fromHex('0100'))]);
      await handset.transmit(SELECT);
      const results = await Promise.all([unknown, foreign, incomplete, noNetwork]);
      expect(results.map(({ general }) => general)).to.deep.equal([
        ...[RESULT.TYPE_NOT_UNDERSTOOD, RESULT.DATA_NOT_UNDERSTOOD, RESULT.VALUE_MISSING, RESULT.BEYOND_CAPABILITY],
      ]);
    });
  });

  it('gives short messages of the card to the network, and tells whether it took them', async () => {
    const sent: string[] = [];
    const sendShortMessage = async (tpdu: Uint8Array) => sent.push(toHex(tpdu)) === 1;
    await withHandset({ user: { sendShortMessage } }, async (card, handset) => {
      const first = card.ask('sendShortMessage', [catObject('smsTpdu', fromHex('0100'))]);
      const second = card.ask('sendShortMessage', [catObject('smsTpdu', fromHex('0101'))]);
      await handset.transmit(SELECT);
      expect([(await first).general, (await second).general]).to.deep.equal([RESULT.OK, RESULT.NETWORK_BUSY]);
      expect(sent).to.deep.equal(['0100', '0101']);
    });
  });

  it('keeps timers, and tells the card when one has run out', async () => {
    await withHandset({}, async (card, handset) => {
      const timer = (id: number) => catObject('timerIdentifier', id);
      const value = (seconds: number) => catObject('timerValue', { hours: 0, minutes: 1, seconds });
      const started = card.ask('timerManagement', [timer(1), value(30)]);
      const left = card.ask('timerManagement', [timer(1)], { qualifier: 2 });
      const none = card.ask('timerManagement', [timer(2)], { qualifier: 1 });
      const ninth = card.ask('timerManagement', [timer(9), value(0)]);
      await handset.transmit(SELECT);
      expect((await started).general).to.equal(RESULT.OK);
      expect(findValue((await left).objects, 'timerValue')?.minutes).to.equal(1);
      expect([(await none).general, (await ninth).general]).to.deep.equal([
        RESULT.TIMER_STATE,
        RESULT.DATA_NOT_UNDERSTOOD,
      ]);
      const at = catObject('timerValue', { hours: 0, minutes: 0, seconds: 0 });
      void card.ask('timerManagement', [timer(3), at]);
      await handset.transmit(SELECT);
      while (!card.received.some((command) => command[5] === 0xd7)) await new Promise((done) => setTimeout(done, 5));
    });
  });

  it('sends STATUS as often as it has granted, one at a time, until POLLING OFF', async () => {
    mock.timers.enable({ apis: ['setInterval'] });
    try {
      await withHandset({}, async (card, handset) => {
        const polled = () => card.received.filter(([, ins]) => ins === STATUS_INS).length;
        const granted = async (unit: number, interval: number) => {
          const answer = card.ask('pollInterval', [catObject('duration', { unit, interval })]);
          await handset.transmit(SELECT);
          return findValue((await answer).objects, 'duration');
        };
        expect(await granted(2, 3), 'three tenths of a second').to.deep.equal({ unit: 1, interval: 1 });
        expect(await granted(0, 2)).to.deep.equal({ unit: 0, interval: 2 });
        expect(await granted(1, 5)).to.deep.equal({ unit: 1, interval: 5 });
        mock.timers.tick(4_999);
        await handset.transmit(SELECT);
        expect(polled()).to.equal(0);
        const asked = card.ask('moreTime');
        mock.timers.tick(1);
        expect((await asked).general).to.equal(RESULT.OK);
        expect(polled()).to.equal(1);
        mock.timers.tick(15_000);
        await handset.transmit(SELECT);
        expect(polled(), 'of three intervals that came at once').to.equal(2);
        const off = card.ask('pollingOff');
        await handset.transmit(SELECT);
        expect((await off).general).to.equal(RESULT.OK);
        mock.timers.tick(60_000);
        await handset.transmit(SELECT);
        expect(polled()).to.equal(2);
        await granted(1, 5);
        await handset.reset();
        mock.timers.tick(60_000);
        await handset.transmit(SELECT);
        expect(polled(), 'after a reset').to.equal(2);
      });
    } finally {
      mock.timers.reset();
    }
  });

  it('gives a busy card that polls no other message before its STATUS', async () => {
    mock.timers.enable({ apis: ['setInterval'] });
    try {
      await withHandset({}, async (card, handset) => {
        const taken = () => card.received.filter(([, ins]) => ins === ENVELOPE_INS).length;
        const deliver = async () => (await handset.deliver({ tpdu: fromHex('0403912143007FF61111111111110000') })).sw;
        const interval = async (interval: number) => {
          const granted = card.ask('pollInterval', [catObject('duration', { unit: 1, interval })]);
          await handset.transmit(SELECT);
          await granted;
        };
        await interval(30);
        card.busy = 2;
        for (let message = 0; message < 3; message += 1) expect(await deliver()).to.equal(0x9300);
        expect(taken()).to.equal(1);
        mock.timers.tick(30_000);
        for (let message = 0; message < 3; message += 1) expect(await deliver()).to.equal(0x9300);
        expect([taken(), card.busy]).to.deep.equal([2, 0]);
        mock.timers.tick(30_000);
        expect(await deliver()).to.equal(0x9000);
        // It does not wait for a STATUS that comes rarely.
        await interval(61);
        card.busy = 2;
        expect(await deliver()).to.equal(0x9000);
        expect([taken(), card.busy]).to.deep.equal([6, 0]);
      });
    } finally {
      mock.timers.reset();
    }
  });

  it('leaves a card alone that asks without end, or asks what is no command', async () => {
    const errors: string[] = [];
    const onError = (error: Error) => void errors.push(error.message);
    await withHandset({ onError }, async (card, handset) => {
      for (let count = 0; count < 600; count += 1) void card.ask('moreTime');
      expect(toHex(await handset.transmit(SELECT))).to.equal('9000');
      expect(errors).to.deep.equal(['The card asks without end']);
    });
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 60 }), async (bytes) => {
        await withHandset({ onError }, async (card, handset) => {
          void card.askBytes(bytes);
          expect(toHex(await handset.transmit(SELECT))).to.equal('9000');
        });
      }),
      { numRuns: soakRuns(200) },
    );
  });
});

describe('channels of a handset', () => {
  let server: Server;
  let allowed: { readonly host: string; readonly port: number };
  const peers: Socket[] = [];

  before(async () => {
    server = createServer((socket) => {
      peers.push(socket.on('error', () => {}));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    allowed = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  });
  after(() => {
    for (const peer of peers) peer.destroy();
    server.close();
  });

  const address = (text: string) =>
    catObject('dataAddress', { family: 'ipv4', address: Uint8Array.from(text.split('.').map(Number)) });
  const openTo = (card: ScriptedCard, { host, port }: typeof allowed, bufferSize = 1_000) =>
    card.ask('openChannel', [
      ...[catObject('bufferSize', bufferSize), catObject('transport', { protocol: TRANSPORT.TCP_CLIENT, port })],
      address(host),
    ]);

  it('go where the policy lets them, and nowhere else', async () => {
    await withHandset({ channels: { allow: [allowed] } }, async (card, handset) => {
      const asked = [
        openTo(card, allowed),
        openTo(card, { ...allowed, port: 1 }),
        openTo(card, { ...allowed, host: '127.0.0.2' }),
        openTo(card, allowed, 9_000),
      ];
      await handset.transmit(SELECT);
      const results = await Promise.all(asked);
      expect(results.map(({ general, info }) => [general, ...info])).to.deep.equal([
        [RESULT.OK],
        [RESULT.BIP_ERROR, BIP_CAUSE.REMOTE_UNREACHABLE],
        [RESULT.BIP_ERROR, BIP_CAUSE.REMOTE_UNREACHABLE],
        [RESULT.MODIFIED],
      ]);
      expect(findValue(results[3]?.objects ?? [], 'bufferSize')).to.equal(1_500);
    });
  });

  it('are seven at most, and end with the card’s session', async () => {
    await withHandset({ channels: { allow: [allowed] } }, async (card, handset) => {
      const before = peers.length;
      const asked = Array.from({ length: 8 }, () => openTo(card, allowed));
      await handset.transmit(SELECT);
      const results = await Promise.all(asked);
      expect(results.map(({ general }) => general)).to.deep.equal([
        ...Array.from({ length: 7 }, () => 0),
        RESULT.BIP_ERROR,
      ]);
      while (peers.length < before + 7) await new Promise((done) => setTimeout(done, 5));
      const ended = peers.slice(before).map((peer) => once(peer.resume(), 'close'));
      await handset.reset();
      await Promise.all(ended);
    });
  });

  it('store and send, tell of data that comes into an empty buffer, and of a lost link behind all of it', async () => {
    await withHandset({ channels: { allow: [allowed] } }, async (card, handset) => {
      const events: number[] = [];
      const destination = DEVICE.CHANNEL_BASE + 1;
      const got: string[] = [];
      const done = Promise.withResolvers<void>();
      card.onEvent = ({ event, objects }) => {
        events.push(event);
        if (event === EVENT.CHANNEL_STATUS) {
          expect(findValue(objects, 'channelStatus')).to.deep.include({ channel: 1, link: LINK.DOWN });
          done.resolve();
          return;
        }
        void card.ask('receiveData', [catObject('channelDataLength', 4)], { destination }).then(async (first) => {
          got.push(Buffer.from(findValue(first.objects, 'channelData') ?? []).toString());
          expect(findValue(first.objects, 'channelDataLength')).to.equal(2);
        });
        void card.ask('receiveData', [catObject('channelDataLength', 255)], { destination }).then((rest) => {
          got.push(Buffer.from(findValue(rest.objects, 'channelData') ?? []).toString());
        });
      };
      void card.ask('setUpEventList', [catObject('eventList', [EVENT.DATA_AVAILABLE, EVENT.CHANNEL_STATUS])]);
      const opened = openTo(card, allowed, 10);
      const data = (text: string) => [catObject('channelData', Buffer.from(text))];
      const stored = card.ask('sendData', data('hel'), { destination });
      const full = card.ask('sendData', data('12345678'), { destination });
      const sent = card.ask('sendData', data('lo'), { destination, qualifier: 1 });
      const wrong = card.ask('closeChannel', [], { destination: DEVICE.CHANNEL_BASE + 2 });
      const connected = once(server, 'connection');
      await handset.transmit(SELECT);
      expect((await opened).general).to.equal(RESULT.OK);
      expect(findValue((await stored).objects, 'channelDataLength')).to.equal(7);
      expect([...(await full).info, ...(await wrong).info]).to.deep.equal([
        BIP_CAUSE.BUFFER_SIZE,
        BIP_CAUSE.BAD_CHANNEL,
      ]);
      expect((await sent).general).to.equal(RESULT.OK);
      await connected;
      const peer = peers.at(-1);
      const [request] = await once(peer ?? server, 'data');
      expect(String(request)).to.equal('hello');
      peer?.end('answer');
      await done.promise;
      expect([got.join(''), events]).to.deep.equal(['answer', [EVENT.DATA_AVAILABLE, EVENT.CHANNEL_STATUS]]);
    });
  });
});

// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'chai';
import { Channels } from '../../../service/terminal/handset/channels.ts';
import { Handset } from '../../../service/terminal/handset/handset.ts';
import { fromHex, toHex } from '../../../wire/hex.ts';
import { LINK, TRANSPORT } from '../../../wire/uicc/cat-channel-values.ts';
import { catObject, findValue } from '../../../wire/uicc/cat-object.ts';
import { decodeEventDownload, EVENT } from '../../../wire/uicc/event-download.ts';
import { DEVICE } from '../../../wire/uicc/proactive-command.ts';
import { ScriptedCard } from './scripted-card.ts';

/** What a card's channels carry when the network is faster than the card. */

const HOST = '127.0.0.1';
const MOST = 255;

/** Channels to one port, and what the card has been told. */
function channelsTo(port: number) {
  const events: number[] = [];
  const channels = new Channels({ allow: [{ host: HOST, port }] }, async (event) => {
    const told = event();
    if (told !== undefined) events.push(decodeEventDownload(told).event);
    return true;
  });
  channels.want([EVENT.DATA_AVAILABLE, EVENT.CHANNEL_STATUS]);
  return { channels, events };
}

/** What loopback has taken is in the socket at once, and is read in the next turn of the loop. */
async function arrived(): Promise<void> {
  await turn();
  await turn();
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('a channel whose peer sends faster than its card reads', () => {
  it('over TCP loses nothing, and is told lost behind all of it', async () => {
    const sent = Buffer.from(Uint8Array.from({ length: 400_000 }, (_, index) => (index * 31) ^ (index >> 8)));
    const server = createServer((socket) => void socket.end(sent)).listen(0, HOST);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { channels, events } = channelsTo(port);
    try {
      const number = await channels.open({ protocol: 'tcp', host: HOST, port, bufferSize: 1_500 });
      const got: Uint8Array[] = [];
      // One answer in each turn: the network has its own between them.
      while (!events.includes(EVENT.CHANNEL_STATUS)) {
        got.push(channels.receive(number ?? 0, MOST)?.data ?? new Uint8Array());
        await turn();
      }
      const whole = Buffer.concat(got);
      expect([whole.length, sha256(whole)]).to.deep.equal([sent.length, sha256(sent)]);
    } finally {
      channels.closeAll();
      server.close();
    }
  });

  it('has no more room for what its card sends than its buffer, while the peer reads nothing', async () => {
    const server = createServer({ pauseOnConnect: true }).listen(0, HOST);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { channels } = channelsTo(port);
    try {
      const connected = once(server, 'connection');
      const number = (await channels.open({ protocol: 'tcp', host: HOST, port, bufferSize: 1_500 })) ?? 0;
      const [peer] = await connected;
      const piece = new Uint8Array(250).fill(7);
      let [taken, told] = [0, channels.send(number, piece, true)];
      // The system has buffers of its own, of some megabytes.
      while (told !== 'full' && taken < 64_000_000) {
        taken += piece.length;
        if (taken % 100_000 === 0) await turn();
        told = channels.send(number, piece, true);
      }
      expect(told).to.equal('full');
      let got = 0;
      peer.on('data', (bytes: Buffer) => {
        got += bytes.length;
      });
      peer.resume();
      while (got < taken) await turn();
      expect(got).to.equal(taken);
      expect(channels.send(number, piece, true)).to.equal(MOST);
    } finally {
      channels.closeAll();
      server.close();
    }
  });

  it('stores what comes in pieces up to its buffer, refuses what is over, and sends all of it', async () => {
    const got: Buffer[] = [];
    const server = createServer((socket) => void socket.on('data', (bytes) => got.push(bytes))).listen(0, HOST);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { channels } = channelsTo(port);
    try {
      const number = (await channels.open({ protocol: 'tcp', host: HOST, port, bufferSize: 1_500 })) ?? 0;
      const pieces = Array.from({ length: 7 }, (_, index) => new Uint8Array(200).fill(index));
      const told = pieces.map((piece) => channels.send(number, piece, false));
      expect(told).to.deep.equal([255, 255, 255, 255, 255, 255, 100]);
      expect(channels.send(number, new Uint8Array(101), true)).to.equal('full');
      expect(channels.send(number, new Uint8Array(100).fill(7), true)).to.equal(255);
      const length = () => got.reduce((sum, { length: bytes }) => sum + bytes, 0);
      while (length() < 1_500) await turn();
      expect(toHex(Buffer.concat(got))).to.equal(toHex(Buffer.concat([...pieces, new Uint8Array(100).fill(7)])));
    } finally {
      channels.closeAll();
      server.close();
    }
  });

  it('over UDP keeps 64 KiB, whole datagrams, in one answer as many as fit', async () => {
    const peer = createSocket('udp4');
    peer.bind(0, HOST);
    await once(peer, 'listening');
    const { port } = peer.address();
    const { channels } = channelsTo(port);
    try {
      const number = (await channels.open({ protocol: 'udp', host: HOST, port, bufferSize: 1_500 })) ?? 0;
      channels.send(number, Uint8Array.of(1), true);
      const [, from] = await once(peer, 'message');
      const send = (bytes: Uint8Array) => new Promise((sent) => peer.send(bytes, from.port, from.address, sent));
      await send(Buffer.alloc(100, 1));
      await send(Buffer.alloc(100, 2));
      await arrived();
      const both = channels.receive(number, MOST)?.data ?? new Uint8Array();
      expect([...both].join('')).to.equal('1'.repeat(100) + '2'.repeat(100));
      // The third large one does not fit, and the small one behind it does.
      const large = Buffer.alloc(30_000, 3);
      for (const last of [large, large, large, Buffer.alloc(1, 4)]) await send(last);
      await arrived();
      const got: number[] = [];
      while (got.at(-1) !== 4) got.push(...(channels.receive(number, MOST)?.data ?? []));
      expect(got.length).to.equal(60_001);
    } finally {
      channels.closeAll();
      peer.close();
    }
  });
});

describe('an event of a channel', () => {
  it('is told when the card has asked for it, and when its toolkit is free at last', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      peers.push(socket);
    }).listen(0, HOST);
    const peers: Socket[] = [];
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const card = new ScriptedCard();
    await using handset = await Handset.start(card, {
      channels: { allow: [{ host: HOST, port }] },
      busyPauseMs: 1,
    });
    const poke = () => handset.transmit(fromHex('00A4040000'));
    const open = async () => {
      const connected = once(server, 'connection');
      void card.ask('openChannel', [
        ...[catObject('bufferSize', 100), catObject('transport', { protocol: TRANSPORT.TCP_CLIENT, port })],
        catObject('dataAddress', { family: 'ipv4', address: Uint8Array.of(127, 0, 0, 1) }),
      ]);
      await poke();
      await connected;
    };
    const heard: number[] = [];
    let next = Promise.withResolvers<void>();
    card.onEvent = ({ event }) => {
      heard.push(event);
      next.resolve();
      next = Promise.withResolvers();
    };
    const ask = (events: readonly number[]) => card.ask('setUpEventList', [catObject('eventList', events)]);
    try {
      // Lost before anybody has asked for that event.
      await open();
      const gone = new Promise((resolve) => peers[0]?.once('close', resolve));
      peers[0]?.destroy();
      await gone;
      const status = () => card.ask('getChannelStatus');
      const isUp = async () => {
        const told = status();
        await poke();
        return findValue((await told).objects, 'channelStatus')?.link === LINK.UP;
      };
      while (await isUp()) await turn();
      let told = next.promise;
      void ask([EVENT.CHANNEL_STATUS]);
      await poke();
      await told;
      expect(heard).to.deep.equal([EVENT.CHANNEL_STATUS]);
      void card.ask('closeChannel', [], { destination: DEVICE.CHANNEL_BASE + 1 });
      await poke();
      // Data, then the end, for a card that is busy far longer than one envelope is repeated.
      void ask([EVENT.CHANNEL_STATUS, EVENT.DATA_AVAILABLE]);
      await open();
      card.busy = 70;
      told = next.promise;
      peers[1]?.end('hello');
      await told;
      expect([heard.at(-1), card.busy]).to.deep.equal([EVENT.DATA_AVAILABLE, 0]);
      card.busy = 70;
      told = next.promise;
      void card.ask('receiveData', [catObject('channelDataLength', MOST)], { destination: DEVICE.CHANNEL_BASE + 1 });
      await poke();
      await told;
      expect(heard.slice(1)).to.deep.equal([EVENT.DATA_AVAILABLE, EVENT.CHANNEL_STATUS]);
    } finally {
      for (const peer of peers) peer.destroy();
      server.close();
    }
  });
});

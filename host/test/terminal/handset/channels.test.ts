// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'chai';
import { Channels } from '../../../service/terminal/handset/channels.ts';
import { decodeEventDownload, EVENT } from '../../../wire/uicc/event-download.ts';

/** What a card's channels carry when the network is faster than the card. */

const HOST = '127.0.0.1';
const MOST = 255;

/** Channels to one port, and what the card has been told. */
function channelsTo(port: number) {
  const events: number[] = [];
  const channels = new Channels({ allow: [{ host: HOST, port }] }, (event) => {
    events.push(decodeEventDownload(event).event);
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

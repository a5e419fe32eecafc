// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { ensurePcscd } from '../../host/local/pcscd.ts';
import { readCardImage, sharedSimulator } from '../src/index.ts';
import { CardReader } from './fixture/card-reader.ts';
import { probeImage } from './fixture/probe.ts';

/** One frame of the reader's side, and the card's answer. */
async function exchange(socket: Socket, hex: string): Promise<string> {
  socket.write(Buffer.from((hex.length / 2).toString(16).padStart(4, '0') + hex, 'hex'));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return answer.subarray(2).toString('hex').toUpperCase();
}

async function accept(server: Server): Promise<Socket> {
  const [socket] = (await once(server, 'connection')) as [Socket];
  return socket;
}

/** T=0 and T=1, eight historical bytes nobody else has, and the check byte. */
function uniqueAtr(): string {
  const body = Buffer.concat([Buffer.from('888001', 'hex'), randomBytes(8)]);
  const check = body.reduce((sum, byte) => sum ^ byte, 0);
  return Buffer.concat([Buffer.from([0x3b]), body, Buffer.from([check])]).toString('hex');
}

describe('vpcd link', () => {
  it('connects again when the reader goes away and comes back', async () => {
    const first = createServer().listen(0, '127.0.0.1');
    await once(first, 'listening');
    const { port } = first.address() as { port: number };
    const simulator = await sharedSimulator();
    const connected = accept(first);
    await using card = await simulator.insert(probeImage(), { vpcd: { host: '127.0.0.1', port } });
    const slot = await connected;
    expect(await exchange(slot, '04')).to.equal('3B00');
    slot.destroy();
    first.close();
    const second = createServer().listen(port, '127.0.0.1');
    const again = await accept(second);
    expect(await exchange(again, '00A4000C022FE2')).to.equal('9000');
    const left = once(again, 'close');
    await card.remove();
    await left;
    second.close();
  });

  it('leaves the reader when the card loses its power, and is put in again', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const simulator = await sharedSimulator();
    const connected = accept(server);
    await using card = await simulator.insert(probeImage(), { vpcd: { host: '127.0.0.1', port } });
    const slot = await connected;
    const reconnected = accept(server);
    await card.cutPower({ afterApdus: 0, when: 'before-processing' });
    slot.resume();
    slot.write(Buffer.from('000700A4000C022FE2', 'hex'));
    await once(slot, 'close');
    const again = await reconnected;
    again.write(Buffer.from('000101', 'hex'));
    expect(await exchange(again, '00A4000C022FE2')).to.equal('9000');
    again.destroy();
    server.close();
  });

  it('has a card in each of eight readers at once', async () => {
    const simulator = await sharedSimulator();
    await using cards = new AsyncDisposableStack();
    const slots = await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        const server = createServer().listen(0, '127.0.0.1');
        cards.defer(() => void server.close());
        await once(server, 'listening');
        const { port } = server.address() as { port: number };
        const connected = accept(server);
        const image = probeImage({ name: `reader-${index}`, iccid: `898600123456789000${index}F` });
        cards.use(await simulator.insert(image, { vpcd: { host: '127.0.0.1', port } }));
        return connected;
      }),
    );
    const read = async (slot: Socket): Promise<string> => {
      slot.write(Buffer.from('000101', 'hex'));
      expect(await exchange(slot, '00A4000C022FE2')).to.equal('9000');
      return exchange(slot, '00B000000A');
    };
    const numbers = await Promise.all(slots.map(read));
    expect(numbers).to.deep.equal(slots.map((_, index) => `986800214365870900F${index}9000`));
  });

  it('serves a card through pcscd', async () => {
    const pcscd = await ensurePcscd();
    if ('missing' in pcscd) throw new Error(pcscd.missing);
    await using _stop = { [Symbol.asyncDispose]: () => pcscd.stop() };
    const simulator = await sharedSimulator();
    const { image } = await readCardImage('plain');
    // An ATR of its own: the slot may still hold somebody else's card, and is ours after that.
    await using card = await simulator.insert(
      { ...image, atr: uniqueAtr() },
      { vpcd: { host: '127.0.0.1', port: 35964 } },
    );
    await using reader = await CardReader.find('Virtual PCD 00 01', card.atr);
    expect(await reader.transmit('80CA004200')).to.equal('4204898600129000');
    expect(await reader.transmit('00A4040000')).to.match(/^6F.*9000$/);
    const certificate = await reader.transmit('80CA7F2100');
    expect(certificate).to.match(/^7F21.*61[0-9A-F]{2}$/);
    expect(await reader.transmit('80C0000000')).to.match(/9000$|61[0-9A-F]{2}$/);
    expect((await card.statistics()).apdus).to.be.at.least(4);
  });
});

// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { sharedSimulator } from '../src/index.ts';
import { probeImage } from './fixture/probe.ts';

/** Listens as a slot of vpcd does; a slot that has a card accepts another and never talks to it. */
async function slot(port = 0): Promise<{ server: Server; port: number; connected: Promise<Socket> }> {
  const server = createServer();
  const connected = once(server, 'connection').then(([socket]) => socket as Socket);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0, connected };
}

describe('vpcd', () => {
  it('tells that nobody listens, that the slot is taken, and that the reader has the card', async () => {
    const { server, port } = await slot();
    server.close();
    await once(server, 'close');
    const simulator = await sharedSimulator();
    await using card = await simulator.insert(probeImage({ name: 'reader-state' }), {
      vpcd: { host: '127.0.0.1', port },
    });
    const states: string[] = [];
    let heard = (): void => undefined;
    const next = (): Promise<void> =>
      new Promise((resolve) => {
        heard = resolve;
      });
    const first = next();
    card.onReader((state) => {
      states.push(state);
      heard();
    });
    await first;
    const taken = next();
    const again = await slot(port);
    const socket = await again.connected;
    await taken;
    const served = next();
    socket.write(Buffer.from('000104', 'hex'));
    const [atr] = (await once(socket, 'data')) as [Buffer];
    await served;
    expect(atr.toString('hex')).to.equal('00023b00');
    expect(states).to.deep.equal(['no-reader', 'slot-taken', 'in-reader']);
    socket.destroy();
    again.server.close();
  });
});

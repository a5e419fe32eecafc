// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Lets commands through to a card, and tells of each, however TCP cuts or joins them. */
export async function proxyTo(port: number, seen: (ins: number) => void): Promise<Server> {
  const server = createServer((client: Socket) => {
    const card = connect(port, '127.0.0.1');
    card.pipe(client);
    let waiting = Buffer.alloc(0);
    client.on('data', (bytes) => {
      waiting = Buffer.concat([waiting, bytes]);
      // Two bytes of length, then the command, or one byte for the card's power.
      while (waiting.length >= 2 && waiting.length >= 2 + waiting.readUInt16BE(0)) {
        const frame = waiting.subarray(0, 2 + waiting.readUInt16BE(0));
        waiting = waiting.subarray(frame.length);
        card.write(frame);
        if (frame.length > 5) seen(frame.readUInt8(3));
      }
    });
    for (const socket of [card, client]) socket.on('error', () => {});
    client.on('close', () => card.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

export const portOf = (server: Server): number => {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
};

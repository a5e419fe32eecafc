// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { expect } from 'chai';
import { BreakingWire } from './breaking-wire.ts';

describe('a wire that breaks', () => {
  it('strikes at its byte, once, and not at all when it was spared before', async () => {
    const echo = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1');
    await once(echo, 'listening');
    await using wire = await BreakingWire.open();
    const { port } = echo.address() as AddressInfo;
    wire.leadTo([{ host: '127.0.0.1', port }]);
    const channel = connect(wire.place);
    const echoed = async (bytes: string) => {
      channel.write(bytes);
      return String((await once(channel, 'data'))[0]);
    };
    const spared = wire.after(0, { cut: true });
    wire.spare();
    expect([await echoed('one'), spared()]).to.deep.equal(['one', false]);
    const struck: number[] = [];
    const hit = wire.after(0, { cut: false, strike: (node) => struck.push(node) });
    expect([await echoed('two'), await echoed('three'), hit()]).to.deep.equal(['two', 'three', true]);
    expect(struck).to.deep.equal([0]);
    const cut = wire.after(2, { cut: true });
    channel.write('four');
    await once(channel, 'close');
    expect(cut()).to.equal(true);
    echo.close();
  });
});

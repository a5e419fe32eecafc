// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect } from 'chai';
import { claimPort, freePort, releasePorts } from '../../local/free-port.ts';

describe('free ports', () => {
  it('are given out once, also when many ask at the same moment and listen later', async () => {
    const ports = await Promise.all(Array.from({ length: 200 }, () => freePort()));
    expect(new Set(ports).size).to.equal(200);
    const [one = 0] = ports;
    expect(await claimPort(one)).to.equal(false);
    releasePorts([one]);
    expect(await claimPort(one)).to.equal(true);
    releasePorts(ports);
  });

  it('are none at which somebody listens', async () => {
    const port = await freePort();
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    releasePorts([port]);
    expect(await claimPort(port)).to.equal(false);
    server.close();
    await once(server, 'close');
    expect(await claimPort(port)).to.equal(true);
    releasePorts([port]);
  });
});

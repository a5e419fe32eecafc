// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { testPki } from '../rest/fixture.ts';

const CLI = new URL('../../cli/tsm.mjs', import.meta.url).pathname;

describe('tsm front nodes', () => {
  it('ends with 3 when no node of the front answers, and says of each why', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'opentsm-front-nodes-'));
    // Takes connections and ends them: ports that nobody has could be somebody's by then.
    const server = createServer((socket) => socket.on('error', () => {}).destroy()).listen(0, '127.0.0.1');
    try {
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const addresses = [`https://127.0.0.1:${port}`, `https://localhost:${port}`];
      const front = { role: 'front', id: 'main' } as const;
      const tls = await (await testPki()).issue({ role: 'operator', id: 'alice', platform: front });
      const config = join(folder, 'operator.json');
      await writeFile(config, JSON.stringify({ platform: { url: addresses.join(' '), ...front }, tls }));
      const ended = await promisify(execFile)(process.execPath, [CLI, 'front', 'nodes', '--config', config]).then(
        () => expect.fail('it ended well'),
        (error: { readonly code: number; readonly stdout: string; readonly stderr: string }) => error,
      );
      expect(ended.code, ended.stderr).to.equal(3);
      expect(ended.stderr).to.contain('no node of the front answers');
      for (const address of addresses) expect(ended.stdout).to.match(new RegExp(`^${address}  \\S`, 'm'));
    } finally {
      server.close();
      await rm(folder, { recursive: true });
    }
  });
});

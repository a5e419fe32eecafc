// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Peer } from '../../rest/identity.ts';
import { kmsRoutes } from '../../rest/routes/kms/routes.ts';
import { TestServer, testPki } from '../rest/fixture.ts';
import { openPlatform, TestFolder } from './fixture.ts';

const SELF: Peer = { role: 'kms', id: 'provider-a' };
const OWNER: Peer = { role: 'provider', id: 'a' };
const CLI = new URL('../../cli/tsm.mjs', import.meta.url).pathname;

/** Runs the command line; the server is in this process, so nothing blocks here. */
function tsm(...words: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CLI, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.on('data', (data) => (out += data));
    child.stderr.on('data', (data) => (err += data));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

describe('tsm kms keys', function () {
  this.timeout(120_000);

  it('makes, shows and uses up a key, with a second person to destroy it', async () => {
    await using folder = await TestFolder.make();
    const { kms } = await openPlatform(join(folder.path, 'keys'));
    await using server = await TestServer.start(SELF, (app) => kmsRoutes(app, kms, OWNER));
    const configOf = async (id: string): Promise<string> => {
      const tls = await (await testPki()).issue({ role: 'operator', id, platform: SELF });
      const file = join(folder.path, `${id}.json`);
      const platform = { url: `https://127.0.0.1:${server.port}`, ...SELF };
      await writeFile(file, JSON.stringify({ platform, tls }));
      return file;
    };
    const [alice, bob] = [await configOf('alice'), await configOf('bob')];
    const keys = (config: string, ...words: string[]) => tsm('kms', '--config', config, 'keys', ...words);

    const made = await keys(alice, 'generate', 'k', '--owner', 'transit', '--usage', 'D0', '--json');
    expect(made.code, made.err).to.equal(0);
    expect(JSON.parse(made.out)).to.deep.include({ label: 'k', keyUsage: 'D0', modeOfUse: 'B', exportability: 'N' });
    const active = await keys(alice, 'activate', 'k');
    expect(active.out).to.match(/^k {2}transit {2}aes-128 D0 B N\n {3}1 {2}active {6}[0-9A-F]{6} {2}/);
    const asked = await keys(alice, 'destroy', 'k', '1', '--json');
    const { approvalId } = JSON.parse(asked.out);
    const [own, wrong] = await Promise.all([keys(alice, 'approve', approvalId), keys(alice, 'destroy', 'k', 'one')]);
    expect([own.code, own.err]).to.deep.equal([1, own.err.match(/.*second-person.*\n/)?.[0]]);
    expect([wrong.code, wrong.err]).to.deep.equal([2, wrong.err.match(/.*key-version.*\n/)?.[0]]);
    const done = await keys(bob, 'approve', approvalId);
    expect(done.out, done.err).to.contain('destroyed');
    expect(JSON.parse((await keys(bob, 'list', '--json')).out)[0].versions[0].state).to.equal('destroyed');
    kms.close();
  });
});

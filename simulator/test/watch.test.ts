// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';

const runner = resolve(import.meta.dirname, '../bin/jcardsim-runner.mjs');
const project = resolve(import.meta.dirname, 'fixture/maven-project/src/main/java');
const api = resolve(import.meta.dirname, '../java/target/lib/*');
const waiting = /^-- (.*); waiting for a change$/;

describe('watch', () => {
  let folder = '';
  let ended = (): unknown => undefined;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-watch-'));
    await cp(project, join(folder, 'src'), { recursive: true });
    const image = {
      name: 'shop',
      atr: '3B80800101',
      isd: null,
      loadFiles: [
        { aid: 'F000000001', path: join(folder, 'classes'), modules: [{ aid: 'F00000000101', class: 'shop.Counter' }] },
      ],
      applications: [{ module: 'F00000000101', aid: 'F00000000101' }],
    };
    await writeFile(join(folder, 'card.json'), JSON.stringify(image));
    await writeFile(
      join(folder, 'script.txt'),
      '00A4040006F00000000101 = 9000\n80010700 = 9000\n8002000001 = 079000\n',
    );
  });
  afterEach(() => ended());
  after(() => rm(folder, { recursive: true }));

  it('builds, loads and runs again after each edit, and loses none that comes while it runs', async () => {
    const build = `javac --release 17 -nowarn -d classes -cp '${api}' src/shop/Counter.java`;
    const args = [runner, 'watch', 'card.json', '--script', 'script.txt', '--build', build, '--sources', 'src'];
    const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] });
    ended = () => child.kill('SIGKILL');
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async (pattern: RegExp): Promise<string> => {
      for (;;) {
        const { value, done } = await lines.next();
        if (done === true) throw new Error(`watch ended before ${pattern}`);
        const found = pattern.exec(value);
        if (found !== null) return found[1] ?? found[0];
      }
    };
    const source = join(folder, 'src/shop/Counter.java');
    const text = await readFile(source, 'utf8');
    expect(await next(waiting)).to.equal('as expected');
    await writeFile(source, text.replace('count += buffer', 'count -= buffer'));
    expect(await next(waiting)).to.equal('not as expected');
    await writeFile(source, text.replace('count += ', 'count += nothing '));
    expect(await next(waiting)).to.equal('the build failed');
    await writeFile(source, text);
    // The run has begun: what is written now must not wait for another edit.
    await next(/^00A40400/);
    await writeFile(join(folder, 'script.txt'), '00A4040006F00000000101 = 9000\n8002000001 = 009000\n');
    expect(await next(waiting)).to.equal('as expected');
    expect(await next(/^8002000001 -> (\w+)$/)).to.equal('009000');
    expect(await next(waiting)).to.equal('as expected');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).to.deep.equal([0, null]);
  }).timeout(300_000);
});

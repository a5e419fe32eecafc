// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { joinHost } from './join.mjs';

const root = join(import.meta.dirname, '../..');

/** Tells in a file what a process loads. */
const WATCH = `
  import { registerHooks } from 'node:module';
  import { writeFileSync } from 'node:fs';
  const loaded = [];
  registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
  process.on('exit', () => writeFileSync(process.env.WATCHED, loaded.join('\\n')));
`;

describe('the host that `npm test` joins', () => {
  let folder;
  let joined;
  before(async () => {
    folder = mkdtempSync(join(root, 'build', 'joined-'));
    joined = join(folder, 'host');
    writeFileSync(join(folder, 'watch.mjs'), WATCH);
    await joinHost(root, joined);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** What the command says, and what it loads below `host/` and below the joined host. */
  function tsm(args, environment) {
    const watched = join(folder, 'watched');
    const imports = [join(folder, 'watch.mjs'), join(import.meta.dirname, 'use.mjs')];
    const options = imports.map((file) => `--import=${pathToFileURL(file).href}`);
    const said = execFileSync(process.execPath, [...options, join(root, 'host/cli/tsm.mjs'), ...args], {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '', OPENTSM_JOINED_HOST: undefined, ...environment, WATCHED: watched },
    });
    const loaded = readFileSync(watched, 'utf8').split('\n');
    const below = (place) => loaded.filter((url) => url.startsWith(pathToFileURL(place).href));
    return { said, sources: below(join(root, 'host')), joined: below(joined) };
  }

  it('is what the command runs, and no source but those that start it', () => {
    const { said, sources, joined: files } = tsm(['man'], { OPENTSM_JOINED_HOST: joined });
    expect(files.length).to.be.above(0);
    expect(sources.map((url) => url.split('/host/')[1])).to.have.members(['cli/tsm.mjs', 'cli/joined-packages.ts']);
    const plain = tsm(['man']);
    expect(plain.joined).to.deep.equal([]);
    expect(plain.sources.length).to.be.above(50);
    expect(said).to.equal(plain.said);
  });

  it('has early readers and the command that takes them from one file', () => {
    const { joined: files } = tsm(['card', '--help'], { OPENTSM_JOINED_HOST: joined });
    expect(files.map((url) => url.slice(pathToFileURL(joined).href.length + 1))).to.include.members([
      'main.mjs',
      'card/early-readers.mjs',
    ]);
  });
});

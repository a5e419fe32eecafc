// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { openDevelopmentPki } from '../../host/local/development-pki.ts';

const CHECKOUT = join(import.meta.dirname, '../..');
const NOBODY = 65_534;
const START = /^ExecStart=\/opt\/opentsm\/current\/tsm (\w+) --config \/etc\/opentsm\/(.*)$/m;
const asRoot = process.getuid?.() === 0;

/** What a container build sees of the checkout: names that the ignore file lets in, less those it takes out. */
async function buildContext(folder: string): Promise<void> {
  const lines = (await readFile(join(CHECKOUT, 'deploy/container/Containerfile.dockerignore'), 'utf8')).split('\n');
  const out = new Set(lines.filter((line) => /^[a-z]/.test(line)));
  for (const path of lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1))) {
    await cp(join(CHECKOUT, path), join(folder, path), {
      recursive: true,
      filter: (from) => !from.endsWith('node_modules') && !out.has(relative(CHECKOUT, from)),
    });
  }
}

describe('a release', function () {
  this.timeout(180_000);
  let folder: string;
  let context: string;
  let prefix: string;
  let daemon: ChildProcess | undefined;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-release-'));
    await chmod(folder, 0o755);
    context = join(folder, 'context');
    prefix = join(folder, 'opt');
    await buildContext(context);
  });
  after(async () => {
    daemon?.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  const install = (env: NodeJS.ProcessEnv = {}, ...args: string[]) =>
    spawnSync(process.execPath, [join(context, 'deploy/install.mjs'), ...(args.length > 0 ? args : [prefix])], {
      env: { ...process.env, ...env },
      encoding: 'utf8',
    });
  const tsm = (...args: string[]) => spawnSync(join(prefix, 'current/tsm'), args, { encoding: 'utf8' });

  it('is made of what a container build sees, without tests and tools of development', async () => {
    const { status, stdout, stderr } = install();
    expect(status, stderr).to.equal(0);
    expect(stdout).to.match(/current -> releases\/\d+\.\d+\.\d+-[0-9a-f]{12} \(before: none\)\n$/);
    const release = await readdir(join(prefix, 'current/host'));
    expect(release).to.include.members(['cli', 'daemon', 'wire']).and.not.include.members(['test']);
    expect(await readdir(join(prefix, 'current/node_modules')))
      .to.include('fastify')
      .and.not.include('mocha');
    expect(tsm('--version').stdout).to.match(/^\d+\.\d+\.\d+\n$/);
  });

  it('is the same when it is installed again, and another when a byte of it changed', async () => {
    const first = await readlink(join(prefix, 'current'));
    expect(install().stdout).to.contain(`(before: ${first})`);
    expect(await readlink(join(prefix, 'current'))).to.equal(first);
    await writeFile(join(context, 'host/errors.ts'), `${await readFile(join(context, 'host/errors.ts'), 'utf8')}\n`);
    expect(install().status).to.equal(0);
    expect(await readlink(join(prefix, 'current'))).to.not.equal(first);
    expect(await readdir(join(prefix, 'releases'))).to.have.length(2);
  });

  it('stays the one at work, and leaves nothing behind, when the next cannot be made', async () => {
    const before = await readlink(join(prefix, 'current'));
    await writeFile(join(context, 'host/trace.ts'), '// another release\n');
    const away = { npm_config_registry: 'http://127.0.0.1:9/', npm_config_cache: join(folder, 'empty-cache') };
    const { status, stderr } = install({ ...away, npm_config_fetch_retries: '0' });
    expect(status).to.not.equal(0);
    expect(stderr).to.contain('nothing was switched, run it again');
    expect(await readlink(join(prefix, 'current'))).to.equal(before);
    expect(await readdir(join(prefix, 'releases'))).to.have.length(2);
  });

  it('says how it is called', () => {
    for (const args of [['--readers'], [prefix, '--nonsense']]) {
      const { status, stderr } = install({}, ...args);
      expect(status).to.equal(2);
      expect(stderr).to.contain('usage: node deploy/install.mjs PREFIX [--readers]');
    }
  });

  it('runs a daemon under a user of no rights, with private files, until it is told to stop', async () => {
    const state = join(folder, 'state');
    const pki = await openDevelopmentPki(join(state, 'pki'));
    const tls = await pki.issue({ role: 'kms', id: 'release' });
    const config = join(state, 'kms.json');
    await writeFile(
      config,
      JSON.stringify({
        listen: { host: '127.0.0.1', port: 0 },
        tls,
        owner: { role: 'issuer', id: 'release' },
        keyFolder: join(state, 'keys'),
        log: { level: 'silent' },
        certificateAuthority: { holderReference: 'CA'.repeat(16), keySizeBits: 1024 },
      }),
    );
    const user = asRoot ? { uid: NOBODY, gid: NOBODY } : {};
    if (asRoot) spawnSync('chown', ['-R', `${NOBODY}:${NOBODY}`, state]);
    const program = join(prefix, 'current/tsm');
    const init = spawnSync(program, ['kms', 'init', '--config', config], { encoding: 'utf8', ...user });
    expect(init.status, init.stderr).to.equal(0);
    expect((await stat(join(state, 'keys'))).mode & 0o077).to.equal(0);
    daemon = spawn(program, ['kms', '--config', config], { stdio: ['ignore', 'pipe', 'inherit'], ...user });
    if (daemon.stdout === null) throw new TypeError('standard output is a pipe');
    const [line] = (await once(createInterface({ input: daemon.stdout }), 'line')) as [string];
    expect(JSON.parse(line)).to.include({ ready: true });
    const ended = once(daemon, 'exit');
    daemon.kill('SIGTERM');
    expect(await ended).to.deep.equal([0, null]);
  });

  it('has units that systemd takes, each with an example of its config', async () => {
    const from = join(CHECKOUT, 'deploy/systemd');
    const units = join(folder, 'units');
    const examples = await readdir(join(CHECKOUT, 'deploy/examples'));
    const names = (await readdir(from)).filter((name) => name.endsWith('.service'));
    expect(names).to.have.length(6);
    for (const name of names) {
      const text = await readFile(join(from, name), 'utf8');
      const [, kind, config] = text.match(START) ?? [];
      expect(tsm(kind ?? '', '--help').status, name).to.equal(0);
      const example = name.includes('kms@') ? 'kms-issuer.json' : name.includes('@') ? `${kind}.json` : config;
      expect(examples).to.include(example);
      await mkdir(units, { recursive: true });
      await writeFile(join(units, name), text.replace('/opt/opentsm', prefix));
    }
    await cp(join(from, 'opentsm-.service.d'), join(units, 'opentsm-.service.d'), { recursive: true });
    const verified = names.map((name) => join(units, name.replace('@.', '@a.')));
    const { error, status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...verified], {
      encoding: 'utf8',
    });
    // A machine without systemd has nothing to hold them against but the above.
    if (error === undefined) expect(stderr, 'systemd-analyze verify').to.equal('');
    else expect(error).to.include({ code: 'ENOENT' });
    expect(status ?? 0).to.equal(0);
  });
});

// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { Type } from 'typebox';
import { NotFoundError, TransportError } from '../../errors.ts';
import { removePostgres } from '../../local/postgres.ts';
import { startTopology } from '../../local/topology.ts';
import { TerminalInfo } from '../../wire/message/card-script.ts';
import { newIsdKey, tsm } from '../kms/operator-desk.ts';

const PLAN = {
  ota: { config: { providers: [{ id: 'a' }] } },
  // A reader whose card is not there: the terminal runs all the same.
  terminals: [{ id: 'desk', config: { directReaders: [{ name: 'slot 1', host: '127.0.0.1', port: 1 }] } }],
};

/** Waits until no such process is left; a zombie whose parent is gone counts as gone. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    if (status === '' || status.split(') ')[1]?.startsWith('Z')) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('topology', () => {
  let stateDir: string;
  beforeEach(async () => {
    const parent = await mkdtemp(join(tmpdir(), 'opentsm-topology-'));
    await chmod(parent, 0o711);
    stateDir = join(parent, 'state');
  });
  afterEach(async () => {
    await removePostgres(join(stateDir, 'postgres'));
    await rm(join(stateDir, '..'), { recursive: true });
  });

  it('runs daemons as processes of their own that find each other', async () => {
    await using topology = await startTopology({ stateDir, durable: false, ...PLAN });
    expect(topology.names).to.deep.equal(['ota', 'terminal-desk']);
    await topology.healthy('terminal-desk');
    const provider = await topology.client({ role: 'provider', id: 'a' }, 'ota');
    const terminals = await provider.call({ method: 'GET', path: '/v1/terminals', response: Type.Array(TerminalInfo) });
    expect(terminals.map(({ terminalId, readers }) => [terminalId, readers.length])).to.deep.equal([['desk', 1]]);
    expect(topology.pid('ota')).to.not.equal(topology.pid('terminal-desk'));
    expect(() => topology.pid('nobody')).to.throw(NotFoundError);
  });

  it('kills a daemon and starts it again at the same address, and the others come back to it', async () => {
    await using topology = await startTopology({ stateDir, durable: false, ...PLAN });
    await topology.healthy('terminal-desk');
    const before = topology.pid('ota');
    const url = topology.url('ota');
    await topology.kill('ota');
    expect(topology.pid('ota')).to.equal(undefined);
    await topology.start('ota');
    expect(topology.url('ota')).to.equal(url);
    expect(topology.pid('ota')).to.not.equal(before);
    await topology.healthy('ota');
    await topology.healthy('terminal-desk');
    await topology.restart('terminal-desk');
    await topology.healthy('terminal-desk');
  });

  it('with keepAlive starts a killed daemon by itself', async () => {
    await using topology = await startTopology({ stateDir, durable: false, keepAlive: true, ...PLAN });
    const before = topology.pid('ota');
    await topology.kill('ota');
    await topology.ready('ota');
    expect(topology.pid('ota')).to.not.equal(before);
    await topology.healthy('ota');
  });

  it('fails with the words of the daemon when a config is wrong, and leaves nothing running', async () => {
    const pids: number[] = [];
    const outcome = await startTopology({
      stateDir,
      durable: false,
      ...PLAN,
      ota: { config: { leaseMs: 'long' } },
      onEvent: ({ detail }) => {
        const pid = /^process (\d+)$/.exec(detail)?.[1];
        if (pid !== undefined) pids.push(Number(pid));
      },
    }).catch((error: unknown) => error);
    expect(outcome).to.be.instanceOf(TransportError);
    expect((outcome as Error).message).to.contain('/leaseMs');
    await Promise.all(pids.map(gone));
  });

  it('keeps every file with a secret private', async () => {
    await using topology = await startTopology({ stateDir, durable: false, ota: { config: { providers: [] } } });
    expect(topology.names).to.have.length(1);
    for (const folder of ['pki', 'config', 'postgres/roles', 'log']) {
      for (const name of await readdir(join(stateDir, folder))) {
        expect((await stat(join(stateDir, folder, name))).mode & 0o077, `${folder}/${name}`).to.equal(0);
      }
    }
  });

  it('leaves no process behind when `tsm up` is killed', async () => {
    const file = join(stateDir, '../plan.json');
    await writeFile(file, JSON.stringify(PLAN));
    const cli = new URL('../../cli/tsm.mjs', import.meta.url).pathname;
    const up = spawn(process.execPath, [cli, 'up', '--state', stateDir, '--topology', file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pids: number[] = [];
    for await (const line of createInterface({ input: up.stdout })) {
      const pid = /ready \(process (\d+)\)/.exec(line)?.[1];
      if (pid !== undefined) pids.push(Number(pid));
      if (line.startsWith('running')) break;
    }
    expect(pids).to.have.length(2);
    pids.push(Number((await readFile(join(stateDir, 'postgres/data/postmaster.pid'), 'utf8')).split('\n')[0]));
    up.kill('SIGKILL');
    await Promise.all(pids.map(gone));
  });

  it('ends all when `npx tsm up` is killed', async () => {
    const file = join(stateDir, '../plan.json');
    await writeFile(file, JSON.stringify(PLAN));
    const root = new URL('../../../', import.meta.url).pathname;
    const path = `${dirname(process.execPath)}:${process.env.PATH}`;
    const npx = spawn('npx', ['tsm', 'up', '--state', stateDir, '--topology', file], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, PATH: path },
    });
    let text = '';
    npx.stdout.on('data', (part: Buffer) => {
      text += part.toString();
      if (text.includes('running;') && !npx.killed) npx.kill('SIGTERM');
    });
    // The last one that holds it has ended.
    await once(npx.stdout, 'end');
    const pids = [...text.matchAll(/ready \(process (\d+)\)/g)].map(([, pid]) => Number(pid));
    expect(pids).to.have.length(2);
    expect(text).to.contain('stopping');
    await Promise.all(pids.map(gone));
  });

  it('`tsm up` ends all on SIGTERM and exits with 0', async () => {
    const file = join(stateDir, '../plan.json');
    await writeFile(file, JSON.stringify(PLAN));
    const cli = new URL('../../cli/tsm.mjs', import.meta.url).pathname;
    const up = spawn(process.execPath, [cli, 'up', '--state', stateDir, '--topology', file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    up.stdout.on('data', (part: Buffer) => {
      text += part.toString();
      if (text.includes('running;') && !text.includes('stopping')) up.kill('SIGTERM');
    });
    const [code] = await once(up, 'exit');
    expect(code).to.equal(0);
    expect(text).to.contain('stopping');
  });

  it('`tsm up` gives operators their files, with which an ISD of one’s own is certified', async function () {
    this.timeout(120_000);
    const file = join(stateDir, '../plan.json');
    const config = { holderReference: 'A7'.repeat(16) };
    await writeFile(file, JSON.stringify({ ...PLAN, issuer: { id: 'main', config, kms: {} } }));
    const isd = join(stateDir, '../isd.pem');
    await writeFile(isd, newIsdKey().pem);
    const cli = new URL('../../cli/tsm.mjs', import.meta.url).pathname;
    const up = spawn(process.execPath, [cli, 'up', '--state', stateDir, '--topology', file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(up, 'exit');
    let text = '';
    for await (const line of createInterface({ input: up.stdout })) {
      text += `${line}\n`;
      if (line.startsWith('running')) break;
    }
    const operators = join(stateDir, 'operators');
    expect(text).to.contain(join(operators, 'NAME.json'));
    const names = ['ota', 'terminal-desk', 'kms-issuer', 'issuer'];
    expect((await readdir(operators)).sort()).to.deep.equal(names.map((name) => `${name}.json`).sort());
    const certified = await tsm('kms', '--config', join(operators, 'kms-issuer.json'), 'certify', isd);
    expect([certified.code, certified.out.slice(0, 4)], certified.err).to.deep.equal([0, '7F21']);
    const second = await tsm('up', '--state', stateDir, '--topology', file);
    expect([second.code, second.err], 'while the first one runs').to.deep.equal([
      1,
      second.err.match(/.*state-in-use.*\n/)?.[0],
    ]);
    const flows = await tsm('flow', '--config', join(operators, 'issuer.json'), 'list');
    expect(flows.code, flows.err).to.equal(0);
    up.kill('SIGTERM');
    expect((await ended)[0]).to.equal(0);
  });

  it('refuses a topology file with an unknown field', async () => {
    const file = join(stateDir, '../plan.json');
    await writeFile(file, JSON.stringify({ ...PLAN, otta: {} }));
    const cli = new URL('../../cli/tsm.mjs', import.meta.url).pathname;
    const up = spawn(process.execPath, [cli, 'up', '--state', stateDir, '--topology', file], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let text = '';
    up.stderr.on('data', (part: Buffer) => {
      text += part.toString();
    });
    const [code] = await once(up, 'exit');
    expect(code).to.equal(2);
    expect(text).to.contain('/otta is not a known field');
  });
});

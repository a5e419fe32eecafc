// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDevelopmentPki } from '../host/local/development-pki.ts';
import { freePort } from '../host/local/free-port.ts';
import { median, onCore } from './one-core.ts';
import { cpuMsOfTree } from './processes.ts';

/**
 * The front's reverse proxy beside nginx: each on the first core, with TLS towards callers and one service behind,
 * whose answer is 1 KiB. Callers and service are on the other core. nginx is Debian's, unpacked below build/ and not
 * installed.
 */

const ROUNDS = 3;
const SECONDS = 5;
const NGINX = join(import.meta.dirname, '../build/nginx');
const ANSWER = Buffer.alloc(1_024, 'x');

export interface Proxying {
  /** `node` is Node and undici alone: the most that the front can reach. */
  readonly name: 'front' | 'node' | 'nginx';
  readonly requestsPerSecond: number;
  readonly p99Ms: number;
  /** What the proxy would reach if it had its core to itself: requests in a second of its CPU time. */
  readonly requestsPerCpuSecond: number;
}

interface Running {
  readonly name: Proxying['name'];
  readonly url: string;
  readonly child: ChildProcess;
}

/** @returns its program; undefined where there is no apt or no network */
async function nginxProgram(): Promise<string | undefined> {
  const program = join(NGINX, 'usr/sbin/nginx');
  if (existsSync(program)) return program;
  await mkdir(NGINX, { recursive: true });
  spawnSync('apt-get', ['download', 'nginx'], { cwd: NGINX, stdio: 'ignore' });
  const [file] = globSync('nginx_*.deb', { cwd: NGINX });
  if (file === undefined) return undefined;
  spawnSync('dpkg', ['-x', file, '.'], { cwd: NGINX });
  return existsSync(program) ? program : undefined;
}

async function startNginx(program: string, folder: string, tls: Tls, service: number): Promise<Running> {
  const port = await freePort();
  const config = join(folder, 'nginx.conf');
  await writeFile(
    config,
    `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log; events {}
    http {
      access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
      fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
      keepalive_requests 10000000;
      upstream service { server 127.0.0.1:${service}; keepalive 64; keepalive_requests 10000000; }
      server {
        listen 127.0.0.1:${port} ssl; ssl_certificate ${tls.certificate}; ssl_certificate_key ${tls.key};
        location / { proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection ""; }
      }
    }`,
  );
  const child = spawn('taskset', ['-c', '0', program, '-c', config, '-p', folder], { stdio: 'ignore' });
  const url = `https://127.0.0.1:${port}`;
  // It says nothing when it listens.
  while (
    (await onCore(1, process.execPath, [join(import.meta.dirname, 'proxy-load.ts'), url, '0.1']).catch(() => '')) === ''
  );
  return { name: 'nginx', url, child };
}

interface Tls {
  readonly key: string;
  readonly certificate: string;
}

const PROGRAMS = { front: 'proxy-server.ts', node: 'bare-proxy.ts' } as const;

async function startOurs(name: keyof typeof PROGRAMS, { key, certificate }: Tls, service: number): Promise<Running> {
  const words = [join(import.meta.dirname, PROGRAMS[name]), key, certificate, `http://127.0.0.1:${service}`];
  const child = spawn('taskset', ['-c', '0', process.execPath, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = await once(child.stdout, 'data');
  return { name, url: `https://127.0.0.1:${String(port).trim()}`, child };
}

async function measured({ url, child }: Running, seconds: number) {
  const load = join(import.meta.dirname, 'proxy-load.ts');
  const before = cpuMsOfTree(child.pid);
  const answer = await onCore(1, process.execPath, [load, url, String(seconds)]);
  const { requests, seconds: took, p99Ms }: Record<'requests' | 'seconds' | 'p99Ms', number> = JSON.parse(answer);
  const cpuSeconds = (cpuMsOfTree(child.pid) - before) / 1_000;
  return { requestsPerSecond: requests / took, p99Ms, requestsPerCpuSecond: requests / cpuSeconds };
}

export async function proxying(): Promise<Proxying[]> {
  const folder = await mkdtemp(join(tmpdir(), 'opentsm-bench-'));
  const service = createServer({ keepAliveTimeout: 600_000 }, (_request, answer) => answer.end(ANSWER));
  service.listen(0, '127.0.0.1');
  const running: Running[] = [];
  try {
    await once(service, 'listening');
    spawnSync('taskset', ['-acp', '1', String(process.pid)]);
    const { port } = service.address() as AddressInfo;
    const pki = await openDevelopmentPki(join(folder, 'pki'));
    const tls = await pki.issue({ role: 'front', id: 'main' });
    running.push(await startOurs('front', tls, port), await startOurs('node', tls, port));
    const program = await nginxProgram();
    if (program === undefined) console.log('nginx is left out: apt-get cannot download it');
    else running.push(await startNginx(program, folder, tls, port));
    const results = running.map((): Awaited<ReturnType<typeof measured>>[] => []);
    for (let round = 0; round <= ROUNDS; round += 1) {
      for (const [index, proxy] of running.entries()) {
        const result = await measured(proxy, SECONDS);
        // The first warms up.
        if (round > 0) results[index]?.push(result);
      }
    }
    return running.map(({ name }, index) => {
      const of = (pick: 'requestsPerSecond' | 'p99Ms' | 'requestsPerCpuSecond') =>
        median((results[index] ?? []).map((result) => result[pick]));
      const [requestsPerSecond, p99Ms] = [of('requestsPerSecond'), of('p99Ms')];
      return { name, requestsPerSecond, p99Ms, requestsPerCpuSecond: of('requestsPerCpuSecond') };
    });
  } finally {
    for (const { child } of running) child.kill();
    service.close();
    service.closeAllConnections();
    spawnSync('taskset', ['-acp', '0-1023', String(process.pid)]);
    await rm(folder, { recursive: true });
  }
}

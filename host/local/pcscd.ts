// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Port on which vpcd's first virtual reader waits for a card (vsmartcard's default, 0x8C7B). */
export const VPCD_PORT = 35963;

/** Environment of a PC/SC service with a virtual reader, for the demo, the tests and the bench. */
export interface PcscService {
  /** True when this process started pcscd and will stop it. */
  readonly started: boolean;
  readonly process: ChildProcess | undefined;
  stop(): Promise<void>;
}

/** Why there is no usable PC/SC here, and what to do about it. */
export interface PcscMissing {
  readonly missing: string;
}

const SOCKET = '/run/pcscd/pcscd.comm';
/** It takes a fraction of a second, but not on a machine that does everything at once. */
const READY_MS = 30_000;

/**
 * Finds a running pcscd with the vpcd driver, or starts one in the foreground as our child.
 * The child gets SIGTERM when we die, also by kill -9 (setpriv --pdeathsig).
 *
 * @param driver false when a physical reader is used and vpcd need not be there
 */
export async function ensurePcscd({ driver = true } = {}): Promise<PcscService | PcscMissing> {
  if (process.platform !== 'linux') {
    return driver ? { missing: 'the virtual reader needs Linux with pcscd and vpcd' } : noService();
  }
  if (!existsSync('/usr/sbin/pcscd')) return { missing: 'pcscd is not installed (Debian: apt-get install pcscd)' };
  if (driver && !existsSync('/etc/reader.conf.d/vpcd')) {
    return { missing: 'the virtual reader is not installed (Debian: apt-get install vsmartcard-vpcd)' };
  }
  if (await accepts(SOCKET)) {
    if (!driver || (await within(READY_MS, () => listens(VPCD_PORT)))) return noService();
    return { missing: `pcscd runs, but vpcd does not listen on ${VPCD_PORT}: restart pcscd` };
  }
  if (process.getuid?.() !== 0) return { missing: 'pcscd does not run: start it (sudo systemctl start pcscd)' };
  return startPcscd(driver);
}

async function startPcscd(driver: boolean): Promise<PcscService | PcscMissing> {
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', '/usr/sbin/pcscd', '--foreground'], { stdio: 'ignore' });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const stop = async () => {
    child.kill('SIGTERM');
    await exited;
  };
  const ready = await within(READY_MS, async () => (await accepts(SOCKET)) && (!driver || listens(VPCD_PORT)));
  if (!ready) {
    await stop();
    return { missing: `pcscd was started but did not get ready (socket ${SOCKET}, vpcd port ${VPCD_PORT})` };
  }
  return { started: true, process: child, stop };
}

function noService(): PcscService {
  return { started: false, process: undefined, stop: async () => {} };
}

function accepts(path: string): Promise<boolean> {
  if (!existsSync(path)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Looks the port up in the kernel's table: a probing connection would count as a card being inserted. */
function listens(port: number): boolean {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  return ['/proc/net/tcp', '/proc/net/tcp6'].some(
    (path) =>
      existsSync(path) &&
      readFileSync(path, 'utf8')
        .split('\n')
        .some((line) => line.includes(wanted) && line.split(/\s+/)[4] === '0A'),
  );
}

async function within(limitMs: number, test: () => boolean | Promise<boolean>): Promise<boolean> {
  for (const end = performance.now() + limitMs; performance.now() < end; await delay(50)) {
    if (await test()) return true;
  }
  return false;
}

// SPDX-License-Identifier: Apache-2.0
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { InvariantError } from '../errors.ts';

/**
 * Ports for what this process starts. One that was given out is not given out again, so that two who take theirs some
 * time before they listen never have the same.
 */

/** Below the range that the system takes for outgoing connections: one of those could sit on a port meanwhile. */
const RANGE = [20_000, 32_000] as const;
const ATTEMPTS = 1_000;
const given = new Set<number>();

/** A port of the loopback address at which nobody listens. @throws InvariantError `no-free-port` */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(...RANGE);
    if (await claimPort(port)) return port;
  }
  throw new InvariantError('no-free-port', `no free port in ${ATTEMPTS} tries from ${RANGE.join(' to ')}`);
}

/** Takes this port, when it was not given out yet and nobody listens at it. */
export async function claimPort(port: number): Promise<boolean> {
  if (given.has(port)) return false;
  // Before the first await: another call must not get as far with the same one.
  given.add(port);
  if (await isFree(port)) return true;
  given.delete(port);
  return false;
}

/** Gives ports back that nobody listens at any more. */
export function releasePorts(ports: Iterable<number>): void {
  for (const port of ports) given.delete(port);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ host: '127.0.0.1', port, exclusive: true });
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

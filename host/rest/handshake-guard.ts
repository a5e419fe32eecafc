// SPDX-License-Identifier: Apache-2.0
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import type { FastifyBaseLogger } from 'fastify';
import { Counter, type Registry } from 'prom-client';

/** Connections of one address that have not finished their TLS handshake. */
const MAX_HANDSHAKES = 128;
/** One line for so much time, however many fail: what a stranger can cause must not fill the log. */
const LOG_EVERY_MS = 10_000;

const endOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress ?? ''} ${remotePort ?? 0}`;

const counters = new WeakMap<Registry, Counter<'reason'>>();

/** One counter for all listeners of a daemon. */
function failuresOf(metrics: Registry): Counter<'reason'> {
  const known = counters.get(metrics);
  if (known !== undefined) return known;
  const made = new Counter({
    name: 'tls_failures_total',
    help: 'Connections that ended before their TLS handshake was done, by reason',
    labelNames: ['reason'] as const,
    registers: [metrics],
  });
  counters.set(metrics, made);
  return made;
}

/**
 * Keeps bare connections of one address from taking all places of a server: whoever has shown no certificate yet may
 * hold `MAX_HANDSHAKES` of them. One more ends the oldest, so that idle connections do not lock out an honest caller of
 * the same address, who is done before its turn comes. Failed handshakes are counted in `tls_failures_total` and
 * logged.
 */
export function guardHandshakes(server: Server, metrics: Registry, logger: FastifyBaseLogger): void {
  const failures = failuresOf(metrics);
  const pending = new Map<string, Map<string, Socket>>();
  const over = (address: string, end: string): void => {
    const ends = pending.get(address);
    if (ends?.delete(end) === true && ends.size === 0) pending.delete(address);
  };
  let silent = 0;
  let quietUntil = 0;
  const note = (reason: string, address: string | undefined): void => {
    failures.inc({ reason });
    silent += 1;
    if (performance.now() < quietUntil) return;
    quietUntil = performance.now() + LOG_EVERY_MS;
    logger.warn({ reason, address, failures: silent }, 'TLS handshake failed');
    silent = 0;
  };
  /** A map keeps the order of arrival. */
  const endOldest = (address: string, ends: Map<string, Socket>): void => {
    for (const [end, socket] of ends) {
      if (ends.size < MAX_HANDSHAKES) return;
      note('too-many-handshakes', address);
      ends.delete(end);
      socket.destroy();
    }
  };
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    const end = endOf(socket);
    const ends = pending.get(address) ?? new Map<string, Socket>();
    endOldest(address, ends);
    pending.set(address, ends.set(end, socket));
    socket.once('close', () => over(address, end));
  });
  server.on('secureConnection', (socket) => over(socket.remoteAddress ?? '', endOf(socket)));
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    // Node has forgotten the address of a socket that it destroyed.
    if (socket.remoteAddress !== undefined) over(socket.remoteAddress, endOf(socket));
    note(reasonOf(error), socket.remoteAddress);
  });
}

/** A code of Node or OpenSSL, so that the label has few values. */
const reasonOf = ({ code }: NodeJS.ErrnoException): string =>
  code !== undefined && /^[A-Z0-9_]{1,80}$/.test(code) ? code : 'other';

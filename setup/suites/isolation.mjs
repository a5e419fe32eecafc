// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';

/** Of vpcd's readers: a connection that the system had given one of them would keep pcscd from listening. */
export const READER_PORTS = '35963-35964';

/**
 * A world of its own for suites that use PC/SC: a pcscd that the machine already has, and its virtual reader's ports,
 * are out of sight, as are those of the suite beside it.
 */
const ISOLATION = [
  ...['unshare', '--mount', '--net', 'sh', '-c'],
  [
    'ip link set lo up && mkdir -p /run/pcscd && mount -t tmpfs tmpfs /run/pcscd',
    `{ echo ${READER_PORTS} > /proc/sys/net/ipv4/ip_local_reserved_ports || true; } 2>/dev/null`,
    'exec "$@"',
  ].join(' && '),
  'sh',
];

/** False without root or without these tools: suites that use PC/SC then share what is there, one after the other. */
export const CAN_ISOLATE =
  process.getuid?.() === 0 &&
  spawnSync(ISOLATION[0], [...ISOLATION.slice(1), 'true'], { stdio: 'ignore' }).status === 0;

/** @returns {string[]} the command in such a world, where there can be one */
export const isolated = (command) => (CAN_ISOLATE ? [...ISOLATION, ...command] : command);

// SPDX-License-Identifier: Apache-2.0
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { UsageError } from '../errors.ts';
import { BellsByDatabase } from '../store/bells.ts';

/** The name of a process among those of one daemon, and the bells by which it hears of the others. */

/** The connection of a process that was killed a moment ago may still be there. */
const NODE_LOCK_MS = 10_000;
const PAUSE_MS = 250;

/** Unique on one machine by the port and among machines by their names; stable over restarts. */
export const defaultNodeId = (port: number): string =>
  `${hostname()
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .slice(0, 48)}-${port}`;

export interface NodeOptions {
  readonly url: string;
  readonly nodeId: string;
  readonly logger: Logger;
  readonly onError: (error: Error) => void;
  /** How long another process may keep the name before that is an error; 10 s when absent. */
  readonly lockMs?: number;
}

/**
 * Listens to the bells of this database, and holds the node's name there for as long as the process lives.
 *
 * @throws UsageError `node-id-taken` when another process has it
 */
export async function openNode({ lockMs = NODE_LOCK_MS, ...options }: NodeOptions): Promise<BellsByDatabase> {
  const { url, nodeId, logger, onError } = options;
  const deadline = performance.now() + lockMs;
  for (;;) {
    let taken = false;
    const bells = await BellsByDatabase.listen({
      url,
      onError,
      lock: {
        key: `node ${nodeId}`,
        taken: () => {
          taken = true;
          logger.error({ nodeId }, 'another process has this node id: give every node of a platform its own');
        },
      },
    });
    if (!taken) return bells;
    await bells[Symbol.asyncDispose]();
    if (performance.now() > deadline) {
      throw new UsageError('node-id-taken', `/nodeId: another process runs as ${nodeId} on this database`, { nodeId });
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

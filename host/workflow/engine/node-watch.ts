// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { NodeBeats } from '../../store/node-beats.ts';
import { requeueOf } from '../../store/workflows.ts';

export interface NodeWatchOptions {
  readonly database: Kysely<unknown>;
  readonly nodeId: string;
  readonly owner: string;
  readonly beatMs: number;
  readonly deadAfterMs: number;
  readonly onTakeOver: (count: number) => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Heartbeats of the nodes of one daemon. What a node had at work that stopped beating goes back to the queue, where the
 * others find it.
 */
export class NodeWatch {
  readonly #options: NodeWatchOptions;
  readonly #beats: NodeBeats<unknown>;
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> = Promise.resolve();

  constructor(options: NodeWatchOptions) {
    this.#options = options;
    this.#beats = new NodeBeats({ ...options, table: 'workflow_nodes' });
  }

  /** Takes this node's place: what it had at work in its last life waits again. */
  async start(): Promise<void> {
    const { database, nodeId, beatMs, onTakeOver } = this.#options;
    await this.#beats.forget(nodeId);
    await this.#beats.beat();
    const left = await requeueOf(database, 'dead');
    if (left > 0) onTakeOver(left);
    this.#timer = setInterval(() => {
      this.#beating = this.#beat().catch(this.#options.onError);
    }, beatMs);
    this.#timer.unref();
  }

  /** Records that this node lives and takes over from those that do not. */
  async #beat(): Promise<void> {
    const { database, onTakeOver } = this.#options;
    if ((await this.#beats.beat()).dead.length === 0) return;
    const left = await requeueOf(database, 'dead');
    if (left > 0) onTakeOver(left);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#beating;
    await this.#beats.forget(this.#options.nodeId).catch(() => {});
  }
}

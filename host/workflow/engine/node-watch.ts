import type { Kysely } from 'kysely';
import { beat, forgetOwners, requeueOf } from '../../store/workflows.ts';

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
 * others find it. Time is the database's, so that clocks of nodes need not agree.
 */
export class NodeWatch {
  readonly #options: NodeWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> = Promise.resolve();

  constructor(options: NodeWatchOptions) {
    this.#options = options;
  }

  /** Takes this node's place: what it had at work in its last life waits again. */
  async start(): Promise<void> {
    const { database, nodeId, owner, beatMs, deadAfterMs, onTakeOver } = this.#options;
    await forgetOwners(database, nodeId);
    await beat(database, owner, deadAfterMs);
    const left = await requeueOf(database, 'dead');
    if (left > 0) onTakeOver(left);
    this.#timer = setInterval(() => {
      this.#beating = this.#beat().catch(this.#options.onError);
    }, beatMs);
    this.#timer.unref();
  }

  /** Records that this node lives and takes over from those that do not. */
  async #beat(): Promise<void> {
    const { database, owner, deadAfterMs, onTakeOver } = this.#options;
    if ((await beat(database, owner, deadAfterMs)) === 0) return;
    const left = await requeueOf(database, 'dead');
    if (left > 0) onTakeOver(left);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#beating;
    await forgetOwners(this.#options.database, this.#options.nodeId).catch(() => {});
  }
}

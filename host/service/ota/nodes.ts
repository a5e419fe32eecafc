// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { NodeBeats } from '../../store/node-beats.ts';
import type { QuotaTable } from '../../store/ota/quota-table.ts';
import type { TerminalTable } from '../../store/ota/terminal-table.ts';
import type { CardSessions } from './card-sessions.ts';
import type { TerminalDirectory } from './terminal-directory.ts';

export interface OtaNodesOptions {
  readonly database: Kysely<unknown>;
  readonly nodeId: string;
  /** This life of this node, `<node id>/<life>`. */
  readonly node: string;
  readonly sessions: CardSessions;
  readonly table: TerminalTable;
  readonly quotas: QuotaTable;
  readonly terminals: TerminalDirectory;
  /** Told how many nodes live, this one among them, now and then. */
  readonly onNodes?: (nodes: number) => void;
  readonly onError: (error: Error) => void;
}

const BEAT_MS = 2_000;
const DEAD_AFTER_MS = 10_000;

/** The nodes of one OTA server: what a dead one had, its terminals' places and its scripts' time, is given up. */
export class OtaNodes {
  readonly #options: OtaNodesOptions;
  readonly #beats: NodeBeats<unknown>;
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> = Promise.resolve();

  constructor(options: OtaNodesOptions) {
    const { database, node } = options;
    this.#options = options;
    this.#beats = new NodeBeats({ database, table: 'ota_nodes', owner: node, deadAfterMs: DEAD_AFTER_MS });
  }

  /** Takes this node's place; called before it answers anybody. */
  async start(): Promise<void> {
    await this.#beats.forget(this.#options.nodeId);
    const { others } = await this.#beats.beat();
    this.#options.onNodes?.(others + 1);
    await this.#forgetDead();
    this.#timer = setInterval(() => {
      this.#beating = this.#beat().catch(this.#options.onError);
    }, BEAT_MS);
    this.#timer.unref();
  }

  async #beat(): Promise<void> {
    const { dead, others, wasForgotten } = await this.#beats.beat();
    this.#options.onNodes?.(others + 1);
    if (dead.length > 0) await this.#forgetDead();
    const { terminals } = this.#options;
    const wasAlone = terminals.alone;
    terminals.alone = others === 0;
    if (wasForgotten || (wasAlone && !terminals.alone)) await terminals.announce();
  }

  async #forgetDead(): Promise<void> {
    await this.#options.table.forgetDead();
    await this.#options.quotas.forgetDead();
    await this.#options.sessions.settleDead();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#beating;
    await this.#beats.forget(this.#options.nodeId).catch(() => {});
  }
}

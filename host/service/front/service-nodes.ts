// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { LimitError, PolicyError } from '../../errors.ts';
import type { FrontTables } from '../../store/front/schema.ts';
import { forgetServiceNode, listServiceNodes, noteServiceNode } from '../../store/front/service-nodes.ts';
import type { ServiceNodeBeat } from '../../wire/message/front.ts';

/** Heartbeats of service nodes: who may speak for which pool, and which nodes are there. */

const LOOK_MS = 1_000;

export class ServiceNodeBeats implements Disposable {
  readonly #database: Kysely<FrontTables>;
  readonly #speakers: ReadonlyMap<string, string>;
  readonly #timer: NodeJS.Timeout;
  #heard = new Map<string, string[]>();

  /** @param speakers URI name of the certificate that speaks for a pool, by pool */
  constructor(database: Kysely<FrontTables>, speakers: ReadonlyMap<string, string>, onError: (error: Error) => void) {
    this.#database = database;
    this.#speakers = speakers;
    // While the database is away, those that were there are still there: calls tell whether they are.
    this.#timer = setInterval(() => this.look().catch(onError), LOOK_MS);
    this.#timer.unref();
  }

  /** What all nodes of the front have heard. */
  async look(): Promise<void> {
    if (this.#speakers.size > 0) this.#heard = await listServiceNodes(this.#database);
  }

  heard(pool: string): readonly string[] {
    return this.#heard.get(pool) ?? [];
  }

  /** @throws PolicyError `not-our-service` @throws LimitError `pool-full` */
  async beat({ pool, origin, leaving }: ServiceNodeBeat, caller: string): Promise<void> {
    if (this.#speakers.get(pool) !== caller)
      throw new PolicyError('not-our-service', `${caller} does not speak for ${pool}: see heartbeats of its config`);
    if (leaving === true) await forgetServiceNode(this.#database, pool, origin);
    else if (!(await noteServiceNode(this.#database, pool, origin)))
      throw new LimitError('pool-full', `${pool} has as many nodes as it may have`);
    await this.look();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

// SPDX-License-Identifier: Apache-2.0
import { ConflictError } from '../../errors.ts';

/** One life of one of the owner's nodes. */
export interface Incarnation {
  readonly node: string;
  /** Random, new at each start of the process. */
  readonly incarnation: string;
}

/** For whom a channel or challenge is kept: it ends with either. */
export interface Keeper {
  readonly flow?: string | undefined;
  readonly holder?: Incarnation | undefined;
}

const MAX_NODES = 256;
const MAX_ENDED = 1_024;

/** Which life each node is in. */
export class Incarnations {
  readonly #living = new Map<string, string>();
  readonly #ended = new Set<string>();

  /**
   * @returns true when a node shows a new life, so that its old one is over
   * @throws ConflictError `incarnation-over`
   */
  meet({ node, incarnation }: Incarnation): boolean {
    const known = this.#living.get(node);
    if (known === incarnation) return false;
    if (this.#ended.has(incarnation)) {
      throw new ConflictError('incarnation-over', `Another process is ${node} now: give each node a name of its own`, {
        node,
      });
    }
    if (known !== undefined) add(this.#ended, known);
    this.#living.delete(node);
    this.#living.set(node, incarnation);
    // Nodes that were not met for longest are forgotten; what they hold ends with its flow or by age.
    const [oldest] = this.#living.keys();
    if (this.#living.size > MAX_NODES && oldest !== undefined) this.#living.delete(oldest);
    return known !== undefined;
  }
}

function add(set: Set<string>, value: string): void {
  set.add(value);
  const [oldest] = set;
  if (set.size > MAX_ENDED && oldest !== undefined) set.delete(oldest);
}

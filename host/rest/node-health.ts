// SPDX-License-Identifier: Apache-2.0
import type { NodeState } from '../wire/message/front.ts';

/** What is known of one node of a pool: from what it says of itself, and from how calls to it end. */

/** `ready` and `not-ready` are its own words, `silent` no answer, `refused` nobody listens there. */
export type ProbeResult = 'ready' | 'draining' | 'not-ready' | 'silent' | 'refused';

/** How a call ended: by an answer, by a failure of the node, or before it was sent. */
export type CallResult = 'answered' | 'failed' | 'draining' | 'refused';

export interface NodeHealthOptions {
  /** Time until a node that has come has its whole share; default 10,000. */
  readonly slowStartMs?: number;
  /** How long a node stays out that failed, the first time; doubled each time, up to 32 times; default 10,000. */
  readonly ejectMs?: number;
  /** Time in milliseconds that nobody sets; default the process's. */
  readonly now?: () => number;
}

/** So many in a row make a node suspect (calls) or down (probes). */
const FAILURES = 3;
const MAX_DOUBLINGS = 5;
/** Share of a node that has just come. */
const FIRST_SHARE = 0.1;

export class NodeHealth {
  readonly #slowStartMs: number;
  readonly #ejectMs: number;
  readonly #now: () => number;
  #said: ProbeResult | undefined;
  /** Probes that it did not pass, and calls that failed, in a row. */
  #missed = 0;
  #failed = 0;
  #readySince: number | undefined;
  #ejectedUntil = Number.NEGATIVE_INFINITY;
  #ejections = 0;

  constructor({ slowStartMs = 10_000, ejectMs = 10_000, now = () => performance.now() }: NodeHealthOptions = {}) {
    this.#slowStartMs = slowStartMs;
    this.#ejectMs = ejectMs;
    this.#now = now;
  }

  get state(): NodeState {
    if (this.#said === 'refused' || this.#missed >= FAILURES) return 'down';
    if (this.#said === 'draining') return 'draining';
    if (this.#missed > 0 || this.ejectedMs > 0) return 'suspect';
    return this.share < 1 || this.#said === undefined ? 'starting' : 'up';
  }

  /** Of the work of a node that is up, 0.1 to 1: one that starts has cold caches and no connections. */
  get share(): number {
    if (this.#readySince === undefined) return FIRST_SHARE;
    const grown = (this.#now() - this.#readySince) / this.#slowStartMs;
    return Math.min(1, Math.max(FIRST_SHARE, grown));
  }

  /** Time for which it stays out although it says that it is well. */
  get ejectedMs(): number {
    return Math.max(0, this.#ejectedUntil - this.#now());
  }

  get ejections(): number {
    return this.#ejections;
  }

  /** What it says of itself. */
  probed(result: ProbeResult): void {
    const was = this.state;
    this.#said = result;
    if (result === 'ready' || result === 'draining') this.#missed = 0;
    else this.#missed += 1;
    if (result !== 'ready') return;
    // One that missed a single probe has lost nothing.
    if (was === 'down' || was === 'draining') this.#readySince = this.#now();
    this.#readySince ??= this.#now();
  }

  called(result: CallResult): void {
    if (result === 'answered') {
      this.#failed = 0;
      if (this.state === 'down') this.#isBack();
      // It has proved itself after its time out.
      if (this.ejectedMs === 0) this.#ejections = 0;
      return;
    }
    if (result === 'draining' || result === 'refused') {
      this.#said = result;
      return;
    }
    this.#failed += 1;
    if (this.#failed < FAILURES) return;
    this.#failed = 0;
    // Calls that were under way when it was put out say nothing new.
    if (this.ejectedMs > 0) return;
    this.#ejectedUntil = this.#now() + this.#ejectMs * 2 ** Math.min(this.#ejections, MAX_DOUBLINGS);
    this.#ejections += 1;
  }

  /** It was asked as the last one left, before a probe has seen it. */
  #isBack(): void {
    this.#said = undefined;
    this.#missed = 0;
    this.#readySince = undefined;
  }
}

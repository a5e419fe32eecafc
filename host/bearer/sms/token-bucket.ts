// SPDX-License-Identifier: Apache-2.0

/** How many messages may leave: `perSecond` in the mean, a second's worth at once. */
export class TokenBucket {
  #perSecond: number;
  readonly #now: () => number;
  #tokens: number;
  #countedAt: number;

  /** @param now monotonic milliseconds */
  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#now = now;
    this.#tokens = Math.max(1, perSecond);
    this.#countedAt = now();
  }

  /** Another rate from now on; what was earned or owed stays so. */
  change(perSecond: number): void {
    this.#earn();
    this.#perSecond = perSecond;
  }

  /** Takes one, and says how many milliseconds to wait before using it: those who wait are served in their order. */
  take(): number {
    this.#earn();
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#perSecond) * 1_000;
  }

  #earn(): void {
    const now = this.#now();
    const earned = ((now - this.#countedAt) / 1_000) * this.#perSecond;
    this.#tokens = Math.min(Math.max(1, this.#perSecond), this.#tokens + earned);
    this.#countedAt = now;
  }
}

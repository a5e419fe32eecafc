// SPDX-License-Identifier: Apache-2.0
import { Bells, readUntil } from '../../store/bells.ts';

/**
 * What came last, numbered from 1, for whoever watches. When one more comes than is kept the oldest goes of the reader
 * that has most: a card that asks without end pushes out its own.
 */

const BELL = 'latest';

export class Latest<T extends { readonly readerName: string }> {
  readonly #kept: (T & { readonly number: number; readonly at: string })[] = [];
  readonly #bells = new Bells();
  readonly #closing = new AbortController();
  readonly #most: number;
  readonly #now: () => Date;
  #count = 0;

  constructor(most: number, now: () => Date = () => new Date()) {
    this.#most = most;
    this.#now = now;
  }

  add(one: T): void {
    this.#count += 1;
    this.#kept.push({ ...one, number: this.#count, at: this.#now().toISOString() });
    if (this.#kept.length > this.#most) this.#forgetOne();
    this.#bells.ring(BELL);
  }

  #forgetOne(): void {
    const counts = new Map<string, number>();
    for (const { readerName } of this.#kept) counts.set(readerName, (counts.get(readerName) ?? 0) + 1);
    const most = Math.max(...counts.values());
    const oldest = this.#kept.findIndex(({ readerName }) => counts.get(readerName) === most);
    this.#kept.splice(oldest, 1);
  }

  /**
   * Those after this number, oldest first, when there is one or the time is over. A number that is not reached yet is
   * of the terminal before it began anew: all are after it.
   */
  async after(number: number, waitMs: number): Promise<(T & { readonly number: number; readonly at: string })[]> {
    const last = number > this.#count ? 0 : number;
    const read = async () => this.#kept.filter((one) => one.number > last);
    const done = (found: readonly T[]) => found.length > 0;
    return readUntil(this.#bells, BELL, read, { done, waitMs, signal: this.#closing.signal });
  }

  /** Nobody waits any more. */
  close(): void {
    this.#closing.abort('closed');
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { Bells } from '../store/bells.ts';

/** So many works at once: a place is filled anew as soon as its work has ended, and one that takes long keeps none. */
export class Places {
  readonly #count: number;
  readonly #busy = new Set<Promise<void>>();

  constructor(count: number) {
    this.#count = count;
  }

  get free(): number {
    return this.#count - this.#busy.size;
  }

  get isEmpty(): boolean {
    return this.#busy.size === 0;
  }

  /** @param work of which nothing is heard but its end: it tells its failures itself */
  take(work: Promise<unknown>): void {
    const ended = work.then(
      () => undefined,
      () => undefined,
    );
    const busy: Promise<void> = ended.then(() => void this.#busy.delete(busy));
    this.#busy.add(busy);
  }

  /** Resolves when a work ends; never while there is none. */
  next(): Promise<void> {
    return Promise.race(this.#busy);
  }

  /** Resolves when all that was begun has ended. */
  async empty(): Promise<void> {
    await Promise.all(this.#busy);
  }
}

export interface DueWork<T> {
  readonly bells: Bells;
  /** Rung when there may be more to do, which is looked for every `lookMs` too. */
  readonly bell: string;
  readonly lookMs: number;
  readonly atOnce: number;
  readonly signal: AbortSignal;
  /** Takes at most so many of what is due. */
  readonly claim: (atOnce: number) => Promise<readonly T[]>;
  readonly turn: (due: T) => Promise<void>;
  /** What is due could not be looked for: claims end by themselves. */
  readonly onFailure: (error: unknown) => void;
}

/** Works on what is due until the signal fires, and what was begun has ended. */
export async function workOnDue<T>(work: DueWork<T>): Promise<void> {
  const { bells, bell, lookMs, atOnce, signal, claim, turn, onFailure } = work;
  const places = new Places(atOnce);
  while (!signal.aborted) {
    const rung = bells.heard(bell, lookMs, signal);
    try {
      const due = places.free === 0 ? [] : await claim(places.free);
      for (const one of due) places.take(turn(one));
    } catch (error) {
      onFailure(error);
      await rung;
      continue;
    }
    // What a turn leaves may be due at once.
    await (places.free === 0 ? places.next() : Promise.race([rung, places.next()]));
  }
  await places.empty();
}

// SPDX-License-Identifier: Apache-2.0

import type { TimerValue } from '../../../wire/uicc/cat-values.ts';
import type { TimerExpiration } from '../../../wire/uicc/event-download.ts';

/** Timers 1 to 8 that a card may have running. @see TS 102 223 6.4.21 */

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

interface Running {
  readonly timeout: NodeJS.Timeout;
  readonly value: TimerValue;
  readonly endsAt: number;
}

export class CardTimers {
  readonly #running = new Map<number, Running>();
  readonly #expired: (expiration: TimerExpiration) => void;

  constructor(expired: (expiration: TimerExpiration) => void) {
    this.#expired = expired;
  }

  /** A timer that runs begins anew. @param timer 1 to 8 */
  start(timer: number, value: TimerValue): void {
    this.stop(timer);
    const ms = value.hours * HOUR_MS + value.minutes * MINUTE_MS + value.seconds * SECOND_MS;
    const timeout = setTimeout(() => {
      this.#running.delete(timer);
      this.#expired({ timer, value });
    }, ms);
    timeout.unref();
    this.#running.set(timer, { timeout, value, endsAt: performance.now() + ms });
  }

  /** What is left; undefined when it does not run. */
  left(timer: number): TimerValue | undefined {
    const running = this.#running.get(timer);
    if (running === undefined) return undefined;
    const seconds = Math.max(0, Math.round((running.endsAt - performance.now()) / SECOND_MS));
    return { hours: Math.floor(seconds / 3_600), minutes: Math.floor(seconds / 60) % 60, seconds: seconds % 60 };
  }

  /** Ends a timer. @returns what was left */
  stop(timer: number): TimerValue | undefined {
    const left = this.left(timer);
    clearTimeout(this.#running.get(timer)?.timeout);
    this.#running.delete(timer);
    return left;
  }

  clear(): void {
    for (const timer of this.#running.keys()) this.stop(timer);
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import type { Bells } from '../../../store/bells.ts';
import type { ProviderTables } from '../../../store/provider/schema.ts';
import { claimNotice, type Notice, settleNotice } from '../../../store/provider/spos-notices.ts';
import type { ProcessResult } from '../../../wire/message/service-instance.ts';

/** Hands results of processes to the servers of service providers: in order for each instance, for a day. */

const SPOS_BELL = 'spos';
const LOOK_MS = 1_000;
/** More than one try takes at most. */
const CLAIM_MS = 60_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 600_000;
/** BSI TR-03165 has no rule for a server that is away. */
const GIVE_UP_MS = 24 * 3_600_000;
const AT_ONCE = 16;
/** One slow server does not keep the others waiting. */
const AT_ONCE_EACH = 2;

export interface SposOutboxOptions {
  readonly database: Kysely<ProviderTables>;
  readonly bells: Bells;
  readonly send: (
    target: { readonly url: string; readonly certificate: Uint8Array },
    result: ProcessResult,
  ) => Promise<void>;
  readonly now: () => Date;
  readonly onFailure: (notice: Pick<Notice, 'url' | 'attempts'> | undefined, error: unknown) => void;
}

export class SposOutbox implements AsyncDisposable {
  readonly #options: SposOutboxOptions;
  readonly #stop = new AbortController();
  readonly #sending = new Map<Promise<void>, string>();
  readonly #working: Promise<void>;

  /** Begins to work. */
  constructor(options: SposOutboxOptions) {
    this.#options = options;
    this.#working = this.#work();
  }

  async #work(): Promise<void> {
    const { bells, onFailure } = this.#options;
    while (!this.#stop.signal.aborted) {
      const rung = bells.heard(SPOS_BELL, LOOK_MS, this.#stop.signal);
      try {
        while (this.#sending.size < AT_ONCE && (await this.#next()));
      } catch (error) {
        onFailure(undefined, error);
      }
      await rung;
    }
    await Promise.all(this.#sending.keys());
  }

  /** Begins to send one. False when nothing is due. */
  async #next(): Promise<boolean> {
    const { database, now, bells } = this.#options;
    const urls = [...this.#sending.values()];
    const busy = urls.filter((url) => urls.filter((other) => other === url).length >= AT_ONCE_EACH);
    const until = new Date(now().getTime() + CLAIM_MS);
    const notice = await claimNotice(database, { now: now(), until, not: busy });
    if (notice === undefined) return false;
    const sending: Promise<void> = this.#send(notice).finally(() => {
      this.#sending.delete(sending);
      bells.ring(SPOS_BELL);
    });
    this.#sending.set(sending, notice.queue);
    return true;
  }

  async #send(notice: Notice): Promise<void> {
    const { database, send, now, onFailure } = this.#options;
    const { number, url, certificate, result, createdAt, attempts } = notice;
    try {
      const failure = await send({ url, certificate }, result).then(
        () => undefined,
        (error: unknown) => error ?? 'refused',
      );
      if (failure === undefined) return await settleNotice(database, number, { state: 'delivered', dueAt: now() });
      onFailure(notice, failure);
      const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempts, 20));
      const dueAt = new Date(now().getTime() + pauseMs);
      const state = dueAt.getTime() - createdAt.getTime() > GIVE_UP_MS ? 'given-up' : 'waiting';
      await settleNotice(database, number, { state, dueAt, reason: String(failure).slice(0, 300) });
    } catch (error) {
      // The database is away: the claim ends by itself.
      onFailure(notice, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#working;
  }
}

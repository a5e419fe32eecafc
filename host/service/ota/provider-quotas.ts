// SPDX-License-Identifier: Apache-2.0
import { LimitError, PolicyError } from '../../errors.ts';

/** What one provider may have and do: cards over all nodes, requests at each. */
export interface ProviderQuota {
  readonly id: string;
  /** Cards that it holds. */
  readonly maxSessions: number;
  /** Requests of it that wait for a card. */
  readonly maxWaiting: number;
  /** Mean rate of its opens, exchanges and renewals; twice as many may come at once. */
  readonly requestsPerSecond: number;
}

interface Account {
  readonly quota: ProviderQuota;
  /** End of the lease by reader, in milliseconds of `now`. */
  readonly held: Map<string, number>;
  waiting: number;
  /** Requests that may come now. */
  allowance: number;
  countedAt: number;
}

/** Knows the providers that may use this OTA server, and keeps each within its own bounds. */
export class ProviderQuotas {
  readonly #now: () => number;
  #accounts = new Map<string, Account>();

  /** @param now monotonic milliseconds */
  constructor(quotas: readonly ProviderQuota[], now: () => number = () => performance.now()) {
    this.#now = now;
    this.replace(quotas);
  }

  /** Takes another list; what a provider has at the moment goes on counting. */
  replace(quotas: readonly ProviderQuota[]): void {
    const before = this.#accounts;
    this.#accounts = new Map(
      quotas.map((quota) => {
        const known = before.get(quota.id);
        const fresh = { held: new Map(), waiting: 0, allowance: 2 * quota.requestsPerSecond, countedAt: this.#now() };
        return [quota.id, { ...(known ?? fresh), quota }];
      }),
    );
  }

  /**
   * Counts one request.
   *
   * @throws PolicyError `provider-not-registered` @throws LimitError `too-many-requests`
   */
  admit(providerId: string): void {
    const account = this.#account(providerId);
    const { requestsPerSecond } = account.quota;
    const now = this.#now();
    const earned = ((now - account.countedAt) / 1_000) * requestsPerSecond;
    account.allowance = Math.min(2 * requestsPerSecond, account.allowance + earned);
    account.countedAt = now;
    if (account.allowance < 1) {
      throw new LimitError('too-many-requests', `More than ${requestsPerSecond} requests a second: slow down`, {
        requestsPerSecond,
      });
    }
    account.allowance -= 1;
  }

  /** @throws PolicyError `provider-not-registered` */
  maxSessions(providerId: string): number {
    return this.#account(providerId).quota.maxSessions;
  }

  /**
   * Runs work that may wait for a card.
   *
   * @param alone no other node gives cards away: what is held is counted here, otherwise by the lease table
   * @throws LimitError `too-many-waiting`, `too-many-sessions`
   */
  async whileWaiting<T>(providerId: string, work: () => Promise<T>, alone = true): Promise<T> {
    const account = this.#account(providerId);
    const { maxWaiting, maxSessions } = account.quota;
    if (account.waiting >= maxWaiting) {
      throw new LimitError(
        'too-many-waiting',
        `${maxWaiting} requests of this provider wait for cards: try again later`,
        {
          maxWaiting,
        },
      );
    }
    // Those that wait may each get a card.
    if (alone && this.#heldBy(account) + account.waiting >= maxSessions) throw tooManySessions(maxSessions);
    account.waiting += 1;
    try {
      return await work();
    } finally {
      account.waiting -= 1;
    }
  }

  /** The provider holds the card in this reader for so long, and nobody else does. */
  holds(providerId: string, readerKey: string, leaseMs: number): void {
    for (const [id, { held }] of this.#accounts) if (id !== providerId) held.delete(readerKey);
    this.#accounts.get(providerId)?.held.set(readerKey, this.#now() + leaseMs);
  }

  gaveBack(providerId: string, readerKey: string): void {
    this.#accounts.get(providerId)?.held.delete(readerKey);
  }

  #heldBy({ held }: Account): number {
    const now = this.#now();
    for (const [reader, until] of held) if (until <= now) held.delete(reader);
    return held.size;
  }

  #account(providerId: string): Account {
    const account = this.#accounts.get(providerId);
    if (account !== undefined) return account;
    throw new PolicyError('provider-not-registered', 'This OTA server does not know this provider', {
      provider: providerId,
    });
  }
}

export const tooManySessions = (maxSessions: number): LimitError =>
  new LimitError('too-many-sessions', `This provider holds ${maxSessions} cards: give one back first`, { maxSessions });

// SPDX-License-Identifier: Apache-2.0
import { LimitError, PolicyError } from '../../errors.ts';
import type { QuotaTable } from '../../store/ota/quota-table.ts';

/** The name under which the issuer holds cards; no provider's id has a colon. */
export const issuerHolder = (id: string): string => `issuer:${id}`;

/** What one provider may have and do, over all nodes. */
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
  /** Those of them that the other nodes count. */
  told: number;
  /** Changes of `told`. */
  changes: number;
  /** Requests that may come now. */
  allowance: number;
  countedAt: number;
  /** Requests that this node has taken out of what all nodes may take. */
  taken: number;
  taking: Promise<number> | undefined;
}

/** What the nodes of one server count together. */
export type SharedQuotas = Pick<QuotaTable, 'take' | 'wait' | 'waitsLess'>;

export interface ProviderQuotasOptions {
  /** Where other nodes count too; absent: there is no other node ever. */
  readonly shared?: SharedQuotas;
  readonly onError?: (error: Error) => void;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

/** A node takes what it may let pass in a twentieth of a second at once: one transaction for all of these. */
const PARTS_A_SECOND = 20;

/** Knows the providers that may use this OTA server, and keeps each within its own bounds. */
export class ProviderQuotas {
  readonly #options: ProviderQuotasOptions;
  readonly #now: () => number;
  #accounts = new Map<string, Account>();

  constructor(quotas: readonly ProviderQuota[], options: ProviderQuotasOptions = {}) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.replace(quotas);
  }

  /** Takes another list; what a provider has at the moment goes on counting. */
  replace(quotas: readonly ProviderQuota[]): void {
    const before = this.#accounts;
    this.#accounts = new Map(
      quotas.map((quota) => {
        const known = before.get(quota.id);
        const allowance = { allowance: 2 * quota.requestsPerSecond, countedAt: this.#now(), taken: 0 };
        const fresh: Account = {
          quota,
          held: new Map(),
          waiting: 0,
          told: 0,
          changes: 0,
          ...allowance,
          taking: undefined,
        };
        return [quota.id, { ...(known ?? fresh), quota }];
      }),
    );
  }

  /**
   * Counts one request.
   *
   * @param alone no other node answers providers: it is counted here, otherwise in the database
   * @throws PolicyError `provider-not-registered` @throws LimitError `too-many-requests`
   */
  async admit(providerId: string, alone = true): Promise<void> {
    const account = this.#account(providerId);
    const { shared } = this.#options;
    const passes = alone || shared === undefined ? this.#admitHere(account) : await this.#admitOfAll(account, shared);
    if (passes) return;
    const { requestsPerSecond } = account.quota;
    throw new LimitError('too-many-requests', `More than ${requestsPerSecond} requests a second: slow down`, {
      requestsPerSecond,
    });
  }

  #admitHere(account: Account): boolean {
    const { requestsPerSecond } = account.quota;
    const now = this.#now();
    const earned = ((now - account.countedAt) / 1_000) * requestsPerSecond;
    account.allowance = Math.min(2 * requestsPerSecond, account.allowance + earned);
    account.countedAt = now;
    if (account.allowance < 1) return false;
    account.allowance -= 1;
    return true;
  }

  /** Out of what was taken; requests that come while more is taken wait for it together. */
  async #admitOfAll(account: Account, shared: SharedQuotas): Promise<boolean> {
    const { id, requestsPerSecond } = account.quota;
    const most = Math.max(1, Math.floor(requestsPerSecond / PARTS_A_SECOND));
    while (account.taken < 1) {
      account.taking ??= shared
        .take(id, requestsPerSecond, most)
        .then((got) => {
          account.taken += got;
          return got;
        })
        .finally(() => {
          account.taking = undefined;
        });
      if ((await account.taking) === 0) return false;
    }
    account.taken -= 1;
    return true;
  }

  /** @throws PolicyError `provider-not-registered` */
  maxSessions(providerId: string): number {
    return this.#account(providerId).quota.maxSessions;
  }

  /**
   * Runs work that may wait for a card.
   *
   * @param work says so before it waits; who gets his card at once costs the other nodes nothing
   * @param alone no other node gives cards away: what is held is counted here, otherwise by the lease table
   * @throws LimitError `too-many-waiting`, `too-many-sessions`
   */
  async whileWaiting<T>(
    providerId: string,
    work: (waits: () => Promise<void>) => Promise<T>,
    alone = true,
  ): Promise<T> {
    const account = this.#account(providerId);
    const { maxWaiting, maxSessions } = account.quota;
    if (account.waiting >= maxWaiting) throw tooManyWaiting(maxWaiting);
    // Those that wait may each get a card.
    if (alone && this.#heldBy(account) + account.waiting >= maxSessions) throw tooManySessions(maxSessions);
    const shared = alone ? undefined : this.#options.shared;
    let told = false;
    const waits = async () => {
      if (shared === undefined || told) return;
      told = true;
      account.told += 1;
      if (!(await shared.wait(providerId, changed(account), maxWaiting))) throw tooManyWaiting(maxWaiting);
    };
    account.waiting += 1;
    try {
      return await work(waits);
    } finally {
      account.waiting -= 1;
      if (told) {
        account.told -= 1;
        // Nobody waits for this: the next change says it too.
        shared?.waitsLess(providerId, changed(account)).catch((error: Error) => this.#options.onError?.(error));
      }
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

function changed(account: Account) {
  account.changes += 1;
  return { waiting: account.told, change: account.changes };
}

const tooManyWaiting = (maxWaiting: number): LimitError =>
  new LimitError('too-many-waiting', `${maxWaiting} requests of this provider wait for cards: try again later`, {
    maxWaiting,
  });

export const tooManySessions = (maxSessions: number): LimitError =>
  new LimitError('too-many-sessions', `This provider holds ${maxSessions} cards: give one back first`, { maxSessions });

// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { ConflictError, TsmError } from '../../errors.ts';
import type { Bells } from '../../store/bells.ts';
import {
  claimCardLocks,
  type DueLock,
  hurryCardLocks,
  keepLockReader,
  settleCardLock,
} from '../../store/provider/card-locks.ts';
import { hurryRenewals } from '../../store/provider/renewals.ts';
import type { ProviderTables } from '../../store/provider/schema.ts';
import type { DeployedService } from '../../store/provider/service-processes.ts';
import { requestIdOf } from '../../store/request-log.ts';
import type { CardPlace } from '../../wire/message/card-script.ts';
import type { CardId, Problem } from '../../wire/message/common.ts';
import { workOnDue } from '../due-work.ts';
import { RENEWAL_BELL } from './renewals.ts';
import type { ServiceProcesses } from './services/service-processes.ts';

/**
 * Locks what services have on a card that was reported lost, at the next contact with it, and frees it at the next one
 * after it was found (`docs/loss-report.md` section 5).
 */

export const LOCK_BELL = 'card-locks';
const LOOK_MS = 5_000;
/** More than one turn takes at most. */
const CLAIM_MS = 60_000;
const TURN_MS = 2_000;
const AT_ONCE = 8;
const FIRST_PAUSE_MS = 5_000;
/** Between flows that failed and looks for the card, which its contact makes shorter: most lost cards never come. */
const LONGEST_PAUSE_MS = 86_400_000;
const CALLER = 'card lock';

export interface CardLocksOptions {
  readonly database: Kysely<ProviderTables>;
  readonly bells: Bells;
  readonly processes: Pick<ServiceProcesses, 'start' | 'state'>;
  /** Where the OTA server knows a card to be. */
  readonly placesOf: (cardId: CardId) => Promise<readonly CardPlace[]>;
  readonly onFailure: (instanceId: string, error: unknown) => void;
}

export class CardLocks implements AsyncDisposable {
  readonly #options: CardLocksOptions;
  readonly #stop = new AbortController();
  /** Cards that are worked on here: each has one turn at a time, however many instances it has. */
  readonly #busy = new Set<CardId>();
  readonly #working: Promise<void>;

  /** Begins to work. */
  constructor(options: CardLocksOptions) {
    const { database, bells, onFailure } = options;
    this.#options = options;
    this.#working = workOnDue({
      bells,
      bell: LOCK_BELL,
      lookMs: LOOK_MS,
      atOnce: AT_ONCE,
      signal: this.#stop.signal,
      claim: (atOnce) => claimCardLocks(database, { claimMs: CLAIM_MS, atOnce, except: this.#busy }),
      turn: (due: DueLock) => this.#turnOf(due),
      onFailure: (error) => onFailure('', error),
    });
  }

  /** A phone brings this card: whatever waits for it is looked for at once. */
  async contact(cardId: CardId): Promise<void> {
    const { database, bells } = this.#options;
    if ((await hurryCardLocks(database, [cardId])) > 0) bells.ring(LOCK_BELL);
    if ((await hurryRenewals(database, cardId)) > 0) bells.ring(RENEWAL_BELL);
  }

  async #turnOf(due: DueLock): Promise<void> {
    this.#busy.add(due.card);
    try {
      await this.#turn(due);
    } finally {
      this.#busy.delete(due.card);
    }
  }

  async #turn(due: DueLock): Promise<void> {
    const { database, processes, onFailure } = this.#options;
    const { instanceId, lock, turn, tries, refusals } = due;
    const failed = (problem?: Problem) => {
      const counted = { tries: tries + 1, refusals: refusals + (isRefusedByCard(problem) ? 1 : 0), looks: 0 };
      return settleCardLock(database, instanceId, { how: 'ended', ...counted, pauseMs: pauseAfter(tries) });
    };
    try {
      const reader = due.reader ?? (await this.#readerOf(due));
      if (reader === undefined) return;
      const { terminalId, readerName } = reader;
      const id = requestIdOf(`${CALLER} ${instanceId} ${terminalId} ${readerName}`, String(turn));
      const body = { terminalId, readerName, request: { operation: 'lock', locked: lock } } as const;
      await processes.start(id, CALLER, instanceId, body, (instance) => requireWanted(instance, lock));
      const { state, problem } = await processes.state(id, { waitMs: TURN_MS, afterStep: Number.MAX_SAFE_INTEGER });
      if (state === 'failed' || problem !== undefined) return await failed(problem);
      const settled =
        state === 'done'
          ? { how: 'ended' as const, tries: 0, refusals: 0 }
          : { how: 'underWay' as const, tries, refusals };
      await settleCardLock(database, instanceId, { ...settled, looks: 0, pauseMs: 0 });
    } catch (error) {
      onFailure(instanceId, error);
      if (error instanceof TsmError) await failed();
    }
  }

  /** Where the card says that it is. @returns undefined: it is looked for again later */
  async #readerOf({ instanceId, card, lock, tries, refusals, looks }: DueLock): Promise<CardPlace | undefined> {
    const { database, placesOf, onFailure } = this.#options;
    try {
      const found = (await placesOf(card)).find(({ named }) => named);
      if (found !== undefined) {
        await keepLockReader(database, instanceId, { ...found, lock });
        return found;
      }
    } catch (error) {
      onFailure(instanceId, error);
      if (!(error instanceof TsmError)) return undefined;
    }
    const away = { how: 'away', tries, refusals, looks: looks + 1, pauseMs: pauseAfter(looks) } as const;
    await settleCardLock(database, instanceId, away);
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#working;
  }
}

/**
 * What the next contact will not change: the card has said it under the session's MAC, or our own database has no such
 * domain. What answers in clear say is the word of whoever has the card, as a link that broke is.
 */
const REFUSALS = /^urn:opentsm:problem:(application-gone|too-many-applications|security-domain-(gone|unfinished))$/;

const isRefusedByCard = (problem: Problem | undefined): boolean => REFUSALS.test(problem?.type ?? '');

/** The report may have been withdrawn, or come again. @throws ConflictError `not-wanted` */
function requireWanted({ productState }: DeployedService, lock: boolean): void {
  if (productState === (lock ? 'INVALID' : 'VALID')) return;
  throw new ConflictError('not-wanted', `The product is ${productState} by now: its card stays as it is`);
}

const pauseAfter = (count: number): number => Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(count, 20));

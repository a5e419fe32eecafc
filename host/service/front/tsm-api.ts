// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import { NotFoundError, TsmError } from '../../errors.ts';
import { cardIdOfText, cardIdText } from '../../store/card-id.ts';
import type { FrontTables } from '../../store/front/schema.ts';
import {
  addServiceAction,
  findServiceAction,
  finishServiceAction,
  type ServiceAction,
} from '../../store/front/service-actions.ts';
import { heldCard, holdsCard, listUserCards, namesOfCard } from '../../store/front/user-cards.ts';
import { claimIdempotencyKey, type RequestTables, requestIdOf } from '../../store/request-log.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { AppProcess, CheckResult, Instance, Operation, Process } from '../../wire/message/service-instance.ts';
import { refusal, refusalOfCode, refusalOfPeer } from '../tsm-refusal.ts';
import type { User } from './actions.ts';
import { nameOf, noCard, type OfferedElement } from './card-of-element.ts';
import type { Backends, Services } from './ports.ts';
import type { SeramSessions } from './seram-sessions.ts';

/** The TSM-API: what a service provider's app asks of its user's chips (BSI TR-03165 1.0.4, 4.2). */

export interface TsmApiOptions {
  readonly database: Kysely<FrontTables>;
  readonly sessions: SeramSessions;
  readonly backends: Backends;
  /** The SP TSM behind. */
  readonly pool: string;
  /** URI name of this front: the platform behind makes its ids of it. */
  readonly self: string;
  /** Name by which the OTA server knows the phones of this front. */
  readonly terminalId: string;
  readonly raEndpoint: () => string;
  readonly onError: (error: Error) => void;
}

type Asked = { readonly appId?: string; readonly secureElements: readonly OfferedElement[] };

const WATCH_MS = 20_000;
const PAUSE_MS = 1_000;
const NO_STEP = 999;

export class TsmApi {
  readonly #options: TsmApiOptions;
  readonly #services: Services;
  readonly #watched = new Map<string, { until: number }>();
  readonly #stop = new AbortController();

  constructor(options: TsmApiOptions) {
    this.#options = options;
    this.#services = options.backends.services(options.pool);
  }

  /** @throws NotFoundError, ConflictError, PolicyError with `executionStatus` */
  async create(user: User, asked: Asked & { readonly serviceId: string; readonly version: string }): Promise<Instance> {
    const { secureElements, ...rest } = asked;
    const cards = await this.#held(user, secureElements);
    return this.#ask(() => this.#services.create({ ...rest, cards }));
  }

  /** Instances on any chip of this user. */
  async find(user: User, asked: { readonly serviceId: string; readonly appId?: string }): Promise<Instance[]> {
    const cards = (await listUserCards(this.#options.database, user.subject)).map(cardIdOfText);
    if (cards.length === 0) return [];
    return this.#ask(() => this.#services.find({ ...asked, cards }));
  }

  async checkDeployment(
    user: User,
    asked: Asked & { readonly serviceId: string; readonly version: string },
  ): Promise<CheckResult> {
    const { secureElements, ...rest } = asked;
    const cards = await this.#held(user, secureElements);
    return this.#ask(() => this.#services.checkDeployment({ ...rest, cards }));
  }

  /** @throws NotFoundError `not-found`, also for another user's */
  async instance(user: User, instanceId: string): Promise<Instance> {
    const instance = await this.#ask(() => this.#services.get(instanceId));
    if (await holdsCard(this.#options.database, user.subject, cardIdText(instance.cardId))) return instance;
    throw refusal('NOT_FOUND', 'There is no such service instance');
  }

  async checkUpdate(user: User, instanceId: string, version: string): Promise<CheckResult> {
    await this.instance(user, instanceId);
    return this.#ask(() => this.#services.checkUpdate(instanceId, version));
  }

  /**
   * Starts a process and opens a SERAM session for its card; the same key and request give the same process, on
   * whichever node.
   *
   * @param key of the user's request
   */
  async start(user: User, key: string, instanceId: string, request: Operation): Promise<AppProcess> {
    const { database, sessions, pool, self, terminalId, raEndpoint } = this.#options;
    const processId = requestIdOf(self, key);
    const known = await findServiceAction(database, processId);
    const card = known?.card ?? cardIdText((await this.instance(user, instanceId)).cardId);
    const use = { key, caller: user.subject, body: [instanceId, request] };
    await claimIdempotencyKey(database as unknown as Kysely<RequestTables>, use);
    const element = elementOf(cardIdOfText(card));
    await addServiceAction(database, { id: processId, subject: user.subject, card, pool });
    if (known !== undefined && known.state !== 'running') return this.#ended(user, known);
    // Before the process begins: it looks for its card at once.
    const names = await namesOfCard(database, user.subject, card);
    const sessionId = await sessions.openFor({ id: processId, card, element, names });
    try {
      const body = { terminalId, readerName: card, request };
      const process = await this.#ask(() => this.#services.start(key, instanceId, body));
      const state = await this.#settle(process);
      if (sessionId === undefined || state.state !== 'running') return state;
      return { ...state, sessionId, raEndpoint: raEndpoint() };
    } catch (error) {
      // It was refused, and nothing runs; whatever else it is, the same request again finds what became of it.
      if (error instanceof TsmError && error.context.executionStatus !== undefined) {
        await finishServiceAction(database, processId, 'failed', { code: error.code, message: error.message });
        await sessions.end(processId, `${request.operation}/refused`);
      }
      throw error;
    }
  }

  /** What a start that is asked for again is told: of a refused one the platform behind knows nothing. */
  async #ended(user: User, { id, refusal: refused }: ServiceAction): Promise<AppProcess> {
    try {
      return await this.state(user, id, 0);
    } catch (error) {
      if (!(error instanceof NotFoundError) || refused === undefined) throw error;
      throw refusalOfCode(refused.code, refused.message) ?? error;
    }
  }

  /** @throws NotFoundError `not-found`, also for another user's */
  async state(user: User, processId: string, waitMs: number): Promise<AppProcess> {
    const action = await findServiceAction(this.#options.database, processId);
    if (action?.subject !== user.subject) throw refusal('NOT_FOUND', 'There is no such process');
    return this.#settle(await this.#ask(() => this.#services.process(processId, { waitMs, afterStep: NO_STEP })));
  }

  /** A phone waits for what its process does next: its end is noticed at once. */
  watch(processId: string): void {
    const until = performance.now() + 2 * WATCH_MS;
    const known = this.#watched.get(processId);
    if (known !== undefined) {
      known.until = until;
      return;
    }
    const entry = { until };
    this.#watched.set(processId, entry);
    void this.#watchUntilEnd(processId, entry).finally(() => this.#watched.delete(processId));
  }

  async #watchUntilEnd(processId: string, entry: { until: number }): Promise<void> {
    while (performance.now() < entry.until && !this.#stop.signal.aborted) {
      try {
        const action = await findServiceAction(this.#options.database, processId);
        if (action === undefined) return;
        // The node that noted the end may have died before it let the phone go.
        if (action.state !== 'running') return await this.#release(action.id, action.state);
        await this.#settle(await this.#services.process(processId, { waitMs: WATCH_MS, afterStep: NO_STEP }));
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#options.onError(error as Error);
        await delay(PAUSE_MS, undefined, { signal: this.#stop.signal }).catch(() => {});
      }
    }
  }

  drain(): void {
    this.#stop.abort();
  }

  /** Notes the end of a process, once, and lets its phone go. */
  async #settle({ steps: _steps, cardId: _card, ...process }: Process): Promise<AppProcess> {
    if (process.state !== 'running') {
      await finishServiceAction(this.#options.database, process.processId, process.state);
      await this.#release(process.processId, process.state);
    }
    return process;
  }

  #release(processId: string, state: 'done' | 'failed'): Promise<void> {
    return this.#options.sessions.end(processId, `process/${state}`);
  }

  /** Cards among those offered that are this user's; elements that have no name of a card are passed over. */
  async #held(user: User, elements: readonly OfferedElement[]): Promise<CardId[]> {
    const cards = new Set<string>();
    for (const element of elements) {
      const name = nameOf(element);
      const card = name && (await heldCard(this.#options.database, user.subject, `${name.kind}:${name.value}`));
      if (card !== undefined) cards.add(card);
    }
    if (cards.size === 0) throw noCard();
    return [...cards].map(cardIdOfText);
  }

  /** A refusal of the platform behind is one of ours. */
  async #ask<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      throw refusalOfPeer(error) ?? error;
    }
  }
}

/** The session takes the element as the phone offers it: what is told here is the card's name. */
const elementOf = ({ kind, value }: CardId) => ({ seType: kind === 'iccid' ? 'uicc' : 'eSE', seId: value }) as const;

// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import { Check } from 'typebox/value';
import { ConflictError, NotFoundError, PeerError, PolicyError, TsmError, UsageError } from '../../errors.ts';
import { cardIdOfText } from '../../store/card-id.ts';
import {
  type Action,
  type ActionResult,
  addAction,
  claimLostReports,
  findAction,
  findOwnReports,
  findRunningTopUp,
  finishAction,
  listPoolsOfLostReports,
  recordPeer,
} from '../../store/front/actions.ts';
import type { FrontTables } from '../../store/front/schema.ts';
import { heldCard, namesOfCard } from '../../store/front/user-cards.ts';
import { claimIdempotencyKey, type RequestTables } from '../../store/request-log.ts';
import type { CardId, Problem } from '../../wire/message/common.ts';
import type { ActionState, Rule, StartAction } from '../../wire/message/front.ts';
import type { TopUpState } from '../../wire/message/platform.ts';
import { AppId, type Process } from '../../wire/message/service-instance.ts';
import { Places } from '../due-work.ts';
import { requireNamed } from '../named-application.ts';
import { refusalOfCode } from '../tsm-refusal.ts';
import { nameOf, noCard } from './card-of-element.ts';
import type { Backends, Services } from './ports.ts';
import type { SeramSessions } from './seram-sessions.ts';
import { type Authentication, requireStepUp, type StepUp } from './step-up.ts';

/** What users do with their cards: A1 to A3 and B1, B2, B5 (docs/top-up.md, docs/loss-report.md). */

export interface ActionsOptions {
  readonly database: Kysely<FrontTables>;
  readonly sessions: SeramSessions;
  readonly backends: Backends;
  /** Which rule a request takes. @throws NotFoundError `no-route` */
  readonly route: (request: StartAction, card: CardId) => Rule;
  /** Name by which the OTA server knows the phones of this front. */
  readonly terminalId: string;
  readonly raEndpoint: () => string;
  readonly onError: (error: Error) => void;
  /** Which operations want a stronger login; default none. */
  readonly stepUp?: StepUp;
  /** Hears of a card that its phone brings without an order: whoever waits for it may come at once. */
  readonly onContact?: (cardId: CardId) => Promise<void>;
  /** A phone that nobody has had work for in so long is let go; default 60,000. */
  readonly contactIdleMs?: number;
}

/** The user, by his token. */
export interface User {
  readonly subject: string;
  readonly authentication?: Authentication;
}

/** An action whose platform was never asked, and that nobody asks for again, does not keep its card for longer. */
const ABANDONED_MS = 60_000;
/** A report waits at most for the permits that are out. */
const LOST_AFTER_MS = 15_000;
/** Between tries of one that gets no answer: the first is longer than a platform is waited for. */
const TAKE_UP = { afterMs: LOST_AFTER_MS, firstPauseMs: 45_000, longestPauseMs: 300_000 } as const;
/** Of one platform. */
const TAKE_UP_AT_ONCE = 16;
/** The first check of the platform behind is worth waiting for. */
const FIRST_CHECK_MS = 2_000;
const WATCH_MS = 20_000;
const NO_STEP = 999;
const PAUSE_MS = 1_000;
const CONTACT_IDLE_MS = 60_000;
/** Request Timeout and Too Many Requests (RFC 9110, RFC 6585). */
const NOT_NOW: readonly number[] = [408, 429];

export class Actions {
  readonly #options: ActionsOptions;
  readonly #watched = new Map<string, { until: number }>();
  readonly #stop = new AbortController();
  /** By platform behind. */
  readonly #takingUp = new Map<string, Promise<void>>();

  constructor(options: ActionsOptions) {
    this.#options = options;
  }

  /**
   * A2, B2: the same key and request give the same action, on whichever node. A top-up whose phone was lost gets a new
   * session; one that was refused is refused again.
   *
   * @param id of the action, from the user and his key
   * @throws NotFoundError `card-not-yours`, `no-route` @throws ConflictError `action-running`, `product-not-valid`, ..
   */
  async start(user: User, id: string, request: StartAction): Promise<ActionState> {
    const { database } = this.#options;
    const name = nameOf(request);
    const card = name && (await heldCard(database, user.subject, `${name.kind}:${name.value}`));
    if (card === undefined) throw noCard();
    const cardId = cardIdOfText(card);
    const known = await findAction(database, id);
    const rule = known ?? this.#options.route(request, cardId);
    // A request that can not be begun spends no key.
    if (known === undefined) {
      const { authentication } = user;
      requireStepUp(rule.operation, this.#options.stepUp, { authentication, nowMs: Date.now() });
      requireFields(rule.operation, request);
    }
    await claimIdempotencyKey(database as unknown as Kysely<RequestTables>, {
      key: id,
      caller: user.subject,
      body: request,
    });
    if (known === undefined) {
      const { operation, pool } = rule;
      await this.#add({ id, subject: user.subject, card, operation, pool, request });
    }
    const action = known ?? (await this.#find(id, user));
    if (action.state !== 'running') return endOf(action);
    if (action.operation === 'contact') return this.#contact(action);
    if (action.operation === 'execution') return this.#execute(action, cardId);
    return action.operation === 'top-up' ? this.#topUp(action) : this.#answerAtOnce(action, cardId);
  }

  /** @throws NotFoundError `no-such-action`, also for another user's */
  async state(user: User, id: string, waitMs: number): Promise<ActionState> {
    const action = await this.#find(id, user);
    if (action.operation === 'loss-report' && action.peerId !== undefined) {
      const { synchronised } = await this.#options.backends.lossReports(action.pool).state(action.peerId);
      return { ...stateOf(action), synchronised };
    }
    if (action.state !== 'running') return stateOf(action);
    if (action.operation === 'contact') return (await this.#lookAtContact(action)).state;
    if (action.peerId === undefined) return stateOf(action);
    return this.#ask(action, action.peerId, { waitMs, afterStep: NO_STEP });
  }

  /** What the platform behind says of an action that runs there. */
  async #ask(action: Action, peerId: string, wait: Parameters<Services['process']>[1]): Promise<ActionState> {
    const { backends } = this.#options;
    if (action.operation === 'execution')
      return this.#settleProcess(action, await backends.services(action.pool).process(peerId, wait));
    return this.#settle(action, await backends.topUps(action.pool).state(peerId, wait));
  }

  /** A phone waits for what its operation does next: its end is noticed at once. */
  watch(id: string): void {
    const until = performance.now() + 2 * WATCH_MS;
    const known = this.#watched.get(id);
    if (known !== undefined) {
      known.until = until;
      return;
    }
    const entry = { until };
    this.#watched.set(id, entry);
    void this.#watchUntilEnd(id, entry).finally(() => this.#watched.delete(id));
  }

  async #watchUntilEnd(id: string, entry: { until: number }): Promise<void> {
    while (performance.now() < entry.until && !this.#stop.signal.aborted) {
      try {
        const action = await findAction(this.#options.database, id);
        if (action === undefined) return;
        if (action.state !== 'running') return await this.#release(action);
        if (action.operation === 'contact') {
          const { lookAfterMs } = await this.#lookAtContact(action);
          await delay(Math.min(lookAfterMs, WATCH_MS), undefined, { signal: this.#stop.signal });
          continue;
        }
        if (action.peerId === undefined) {
          await delay(PAUSE_MS, undefined, { signal: this.#stop.signal });
          continue;
        }
        await this.#ask(action, action.peerId, { waitMs: WATCH_MS, afterStep: NO_STEP });
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#options.onError(error as Error);
        await delay(PAUSE_MS, undefined, { signal: this.#stop.signal }).catch(() => {});
      }
    }
  }

  /**
   * Ends reports whose node died before their answer, and which no app has asked for again: a loss is a loss. What was
   * done is not done twice, the action's id is the report's. One that gets no answer is tried again after pauses that
   * grow to five minutes. Neither that nor a platform that stays silent keeps others waiting: of each platform so many
   * are asked about at once, those first that nobody has tried yet, and each that ends makes place for the next.
   * Whoever comes again meanwhile waits for the same look.
   */
  async takeUpLost(): Promise<void> {
    const pools = await listPoolsOfLostReports(this.#options.database, LOST_AFTER_MS);
    for (const pool of pools) {
      if (this.#takingUp.has(pool)) continue;
      this.#takingUp.set(
        pool,
        this.#takeUp(pool).finally(() => this.#takingUp.delete(pool)),
      );
    }
    await Promise.all(pools.map((pool) => this.#takingUp.get(pool)));
  }

  async #takeUp(pool: string): Promise<void> {
    const { database, onError } = this.#options;
    const places = new Places(TAKE_UP_AT_ONCE);
    /** Those that are asked about, and of each card what is done last. */
    const asked = new Set<string>();
    const lastOf = new Map<string, Promise<void>>();
    try {
      while (!this.#stop.signal.aborted) {
        const claim = { ...TAKE_UP, atOnce: places.free, except: [...asked] };
        const due = places.free === 0 ? [] : await claimLostReports(database, pool, claim);
        for (const action of due) {
          asked.add(action.id);
          // Of one card in the order in which they came.
          const before = lastOf.get(action.card) ?? Promise.resolve();
          const answered = before.then(() => this.#answerLost(action)).finally(() => asked.delete(action.id));
          lastOf.set(action.card, answered);
          places.take(answered);
        }
        if (due.length > 0) continue;
        if (places.isEmpty) return;
        await (places.free === 0 ? places.next() : Promise.race([places.next(), this.#pause()]));
      }
    } catch (error) {
      onError(error as Error);
    }
    await places.empty();
  }

  #pause(): Promise<void> {
    return delay(PAUSE_MS, undefined, { signal: this.#stop.signal }).catch(() => {});
  }

  async #answerLost(action: Action): Promise<void> {
    try {
      await this.#answerAtOnce(action, cardIdOfText(action.card));
    } catch (error) {
      // A refusal has ended the action; whatever else it is, it is tried again.
      this.#options.onError(error as Error);
    }
  }

  drain(): void {
    this.#stop.abort();
  }

  async #add(action: Parameters<typeof addAction>[1]): Promise<void> {
    const { database } = this.#options;
    if (await addAction(database, action)) return;
    const running = await findRunningTopUp(database, action.card);
    if (running !== undefined) await this.#look(running);
    if (await addAction(database, action)) return;
    throw new ConflictError('action-running', 'Another top-up of this card is under way: wait for its end', {
      ...(running?.subject === action.subject ? { processId: running.id } : {}),
    });
  }

  /** Whether a top-up that is in the way still runs. */
  async #look(action: Action): Promise<void> {
    const { backends, database } = this.#options;
    if (action.peerId !== undefined) {
      await this.#settle(action, await backends.topUps(action.pool).state(action.peerId, { waitMs: 0, afterStep: 0 }));
    } else if (action.ageMs > ABANDONED_MS) {
      await finishAction(database, action.id, 'failed', {});
    }
  }

  async #topUp(action: Action): Promise<ActionState> {
    const { backends, terminalId, database } = this.#options;
    const { productId = '', amount = 0, appId, domain } = action.request;
    const named = { ...(appId === undefined ? {} : { appId }), ...(domain === undefined ? {} : { domain }) };
    const topUps = backends.topUps(action.pool);
    const cardId = cardIdOfText(action.card);
    const body = { productId, cardId, amount, terminalId, readerName: action.card, ...named };
    // Before the flow begins: it looks for its card as soon as A4 is done.
    const sessionId = await this.#openSession(action);
    const { id: peerId } = await topUps.start(action.id, body).catch((error: unknown) => this.#refused(action, error));
    await recordPeer(database, action.id, peerId);
    const first = await topUps.state(peerId, { waitMs: FIRST_CHECK_MS, afterStep: 0 });
    const state = await this.#settle({ ...action, peerId }, first);
    if (state.outcome === 'refused' && state.problem !== undefined) throw asConflict(state.problem);
    return this.#withSession(state, sessionId);
  }

  /** A3 to A5 of any service: the provider runs the script that its action code names. */
  async #execute(action: Action, cardId: CardId): Promise<ActionState> {
    const { backends, terminalId, database } = this.#options;
    const { actionCode, inputs, appId, deviceAppId = appId } = action.request;
    const services = backends.services(action.pool);
    // What runs already is not measured again by what is on the card now: the script itself may have changed that.
    if (action.peerId !== undefined) {
      const sessionId = await this.#openSession(action);
      const running = await services.process(action.peerId, { waitMs: 0, afterStep: NO_STEP });
      return this.#withSession(await this.#settleProcess(action, running), sessionId);
    }
    const serviceId = (action.request.productId ?? '').toLowerCase();
    const app = deviceAppId !== undefined && Check(AppId, deviceAppId) ? { appId: deviceAppId } : {};
    const asked = services.find({ serviceId, ...app, cards: [cardId] });
    const [instance] = await asked.catch((error: unknown) => this.#refused(action, error));
    if (instance === undefined) return this.#refused(action, notOnCard());
    try {
      requireNamed(action.request, { ...instance, instanceAids: instance.instanceAids ?? [] });
    } catch (error) {
      return this.#refused(action, error);
    }
    // Before the process begins: it looks for its card at once.
    const sessionId = await this.#openSession(action);
    const request = { operation: 'execution' as const, actionCode, ...(inputs === undefined ? {} : { inputs }) };
    const process = await services
      .start(action.id, instance.serviceInstanceId, { terminalId, readerName: action.card, request })
      .catch((error: unknown) => this.#refused(action, error));
    await recordPeer(database, action.id, process.processId);
    return this.#withSession(await this.#settleProcess({ ...action, peerId: process.processId }, process), sessionId);
  }

  #withSession(state: ActionState, sessionId: string | undefined): ActionState {
    if (sessionId === undefined || state.state !== 'running') return state;
    return { ...state, sessionId, raEndpoint: this.#options.raEndpoint() };
  }

  /** Notes the end of an execution, once, and lets its phone go. */
  async #settleProcess(action: Action, process: Process): Promise<ActionState> {
    const roundTrips = process.steps.reduce((sum, step) => sum + step.roundTrips, 0);
    const { state, messages, values, problem } = process;
    if (state === 'running') return { ...stateOf(action), roundTrips };
    const result: ActionResult = {
      roundTrips,
      messages,
      values,
      ...(state === 'done' ? { outcome: 'executed' } : {}),
      ...(problem === undefined ? {} : { problem }),
    };
    const ended = { ...action, state, result };
    await finishAction(this.#options.database, action.id, state, result);
    await this.#release(ended);
    return stateOf(ended);
  }

  /** The phone's agent may know the card by another name than its app. */
  async #openSession({ id, card, subject, request }: Action): Promise<string | undefined> {
    const { database, sessions } = this.#options;
    const element = { seType: request.seType, seId: request.seId };
    return sessions.openFor({ id, card, element, names: await namesOfCard(database, subject, card) });
  }

  /** The phone brings its card to whoever has work for it: platforms that look for it find it. */
  async #contact(action: Action): Promise<ActionState> {
    const sessionId = await this.#openSession(action);
    if (sessionId === undefined) return stateOf(action);
    const { onContact, onError, raEndpoint } = this.#options;
    // Who does not hear of it looks for the card all the same, later.
    void onContact?.(cardIdOfText(action.card)).catch(onError);
    return { ...stateOf(action), sessionId, raEndpoint: raEndpoint() };
  }

  /** Lets a phone go that nobody has work for. @returns also when to look again */
  async #lookAtContact(action: Action): Promise<{ readonly state: ActionState; readonly lookAfterMs: number }> {
    const { database, sessions, contactIdleMs = CONTACT_IDLE_MS } = this.#options;
    const idle = await sessions.idleMs(action.id);
    if (idle !== undefined && idle < contactIdleMs)
      return { state: stateOf(action), lookAfterMs: contactIdleMs - idle };
    const state = idle === undefined ? 'failed' : 'done';
    const result: ActionResult =
      idle === undefined ? { problem: phoneLeft(await sessions.reasonOf(action.id)) } : { outcome: 'served' };
    await finishAction(database, action.id, state, result);
    await sessions.end(action.id, 'contact/served');
    return { state: stateOf({ ...action, state, result }), lookAfterMs: 0 };
  }

  /** The platform said no before anything began; one that has no time for it now may be asked again. */
  async #refused(action: Action, error: unknown): Promise<never> {
    const status = Number((error as TsmError).context?.status ?? 500);
    const refusal = error instanceof ConflictError || (status < 500 && !NOT_NOW.includes(status));
    if (error instanceof TsmError && refusal) {
      const problem = problemOfPeer(error);
      const end = { state: 'failed', result: { outcome: 'refused', problem } } as const;
      await finishAction(this.#options.database, action.id, end.state, end.result);
      await this.#release({ ...action, ...end });
      throw refusedAs(action.operation, problem);
    }
    throw error;
  }

  /** Notes the end of a top-up, once, and lets its phone go. */
  async #settle(action: Action, topUp: TopUpState): Promise<ActionState> {
    const roundTrips = topUp.steps.reduce((sum, step) => sum + step.roundTrips, 0);
    if (topUp.state === 'running') return { ...stateOf(action), roundTrips };
    const { outcome, balanceBefore, balanceAfter, tacVerified, problem } = topUp;
    const result: ActionResult = {
      roundTrips,
      ...(outcome === undefined ? {} : { outcome }),
      ...(balanceBefore === undefined ? {} : { balanceBefore }),
      ...(balanceAfter === undefined ? {} : { balanceAfter }),
      ...(tacVerified === undefined ? {} : { tacVerified }),
      ...(problem === undefined ? {} : { problem }),
    };
    const ended = { ...action, state: topUp.state, result };
    await finishAction(this.#options.database, action.id, ended.state, result);
    await this.#release(ended);
    return stateOf(ended);
  }

  /** Tells the phone of an action that has ended. A node may die before it does so: whoever watches repeats it. */
  #release({ id, operation, state, result }: Action): Promise<void> {
    return this.#options.sessions.end(id, `${operation}/${result.outcome ?? state}`);
  }

  /** B2 to B5: the SE TSM answers while the app waits. */
  async #answerAtOnce(action: Action, cardId: CardId): Promise<ActionState> {
    const { database, backends } = this.#options;
    const reports = backends.lossReports(action.pool);
    const { productId, reason = 'lost' } = action.request;
    let result: ActionResult;
    if (action.operation === 'loss-report') {
      const productIds = productId === undefined ? {} : { productIds: [productId] };
      const body = { cardId, ...productIds, reason, reportedBy: 'user' };
      const { id, synchronised } = await reports.report(action.id, body).catch((error) => this.#refused(action, error));
      await recordPeer(database, action.id, id);
      result = { outcome: 'reported', synchronised };
    } else {
      result = await this.#found(action, cardId);
      if (result.problem !== undefined) {
        await finishAction(database, action.id, 'failed', result);
        throw asConflict(result.problem);
      }
    }
    await finishAction(database, action.id, 'done', result);
    return stateOf({ ...action, state: 'done', result });
  }

  /**
   * Closes what this user has reported before, and says whether that frees the card. A report of his whose answer never
   * came is made first: it must not come behind this and stand.
   */
  async #found(action: Action, cardId: CardId): Promise<ActionResult> {
    const { database, backends } = this.#options;
    const reports = backends.lossReports(action.pool);
    const unanswered = (await findOwnReports(database, action)).filter(({ state }) => state === 'running');
    for (const report of unanswered) await refusedAtMost(this.#answerAtOnce(report, cardId));
    const own = new Set((await findOwnReports(database, action)).map(({ peerId }) => peerId));
    const open = await reports.open(cardId);
    const his = open.filter(({ id }) => own.has(id));
    for (const { id } of his) await closed(reports.close(id));
    const stillReported = open.length > his.length;
    if (stillReported && his.length === 0) {
      const detail = 'Others, or you later, have reported this card: it stays so until they, or its issuer, close that';
      const problem = { type: 'urn:opentsm:problem:reported-by-others', title: 'Refused', status: 409, detail };
      return { outcome: 'refused', problem };
    }
    return { outcome: 'found', closedReports: his.length, stillReported };
  }

  async #find(id: string, user: User): Promise<Action> {
    const action = await findAction(this.#options.database, id);
    if (action === undefined || action.subject !== user.subject)
      throw new NotFoundError('no-such-action', 'There is no action of this id');
    return action;
  }
}

/** A report that is not there any more is closed. */
async function closed(closing: Promise<void>): Promise<void> {
  try {
    await closing;
  } catch (error) {
    if (!(error instanceof PeerError && Number(error.context.status) === 404)) throw error;
  }
}

/** A report that was refused is none. */
async function refusedAtMost(reporting: Promise<unknown>): Promise<void> {
  try {
    await reporting;
  } catch (error) {
    if (!(error instanceof ConflictError || error instanceof PolicyError)) throw error;
  }
}

function requireFields(operation: Action['operation'], { productId, amount }: StartAction): void {
  if (operation === 'execution' && !/^[0-9A-F-]{36}$/i.test(productId ?? ''))
    throw new UsageError('invalid-request', 'an execution names its service: productId is its id, a UUID');
  if (operation !== 'top-up') return;
  if (productId === undefined)
    throw new UsageError('invalid-request', 'a top-up names its product: productId is missing');
  if (amount === undefined) throw new UsageError('invalid-request', 'a top-up names its amount: amount is missing');
}

const stateOf = ({ id, operation, state, result }: Action): ActionState => ({
  processId: id,
  operation,
  state,
  ...result,
});

/** A phone left before its action was over. @param reason what its agent said, or what became of it */
const phoneLeft = (reason = 'no phone took the session up'): Problem => ({
  type: 'urn:opentsm:problem:phone-left',
  title: 'The phone has left',
  status: 409,
  detail: `${reason}. Ask for the action again, with the card in the phone`,
});

/** What a start that is asked for again is told. */
function endOf(action: Action): ActionState {
  const { outcome, problem } = action.result;
  if (outcome === 'refused' && problem !== undefined) throw refusedAs(action.operation, problem);
  return stateOf(action);
}

function problemOfPeer({ code, message, context }: TsmError): Problem {
  const status = Number(context.status ?? 409);
  return { type: `urn:opentsm:problem:${code}`, title: 'Refused', status, detail: message };
}

const notOnCard = () => new ConflictError('product-not-on-card', 'The service has no instance on this card');

/** A script's start is refused as the TSM-API has it, with its number; all else contradicts what the platform knows. */
function refusedAs(operation: Action['operation'], problem: Problem): TsmError {
  const { type, detail, title } = problem;
  const refusal = operation === 'execution' ? refusalOfCode(codeOfType(type), detail ?? title) : undefined;
  return refusal ?? asConflict(problem);
}

const codeOfType = (type: string): string => type.replace('urn:opentsm:problem:', '');

const asConflict = ({ type, detail, title }: Problem): TsmError => {
  const code = codeOfType(type);
  return code.startsWith('provider')
    ? new PolicyError(code, detail ?? title)
    : new ConflictError(code, detail ?? title);
};

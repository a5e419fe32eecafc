// SPDX-License-Identifier: Apache-2.0
import { createHash, randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';
import { NotFoundError, TransportError } from '../../errors.ts';
import { type Bells, readUntil } from '../../store/bells.ts';
import type { FrontTables } from '../../store/front/schema.ts';
import {
  addSession,
  cardBell,
  changeSession,
  databaseNow,
  findLastSession,
  findLiveSession,
  findSessionOfCard,
  replaceSecret,
  type SessionRow,
  sessionBell,
} from '../../store/front/seram-sessions.ts';
import type { SeramReader, SeramScript, SeramScriptResult } from '../../wire/message/front.ts';
import type { Handshake, HandshakeAnswer, Order, Report } from '../../wire/message/seram.ts';
import {
  aged,
  cut,
  end,
  failedResult,
  type Given,
  give,
  givenAgain,
  givenSince,
  giveStart,
  giveUp,
  type Heard,
  hear,
  idleMs,
  isHeard,
  isOver,
  isPresent,
  negotiate,
  newSession,
  type ReportCookies,
  type SeramSession,
  submit,
} from './seram-session.ts';

/**
 * SERAM sessions on the database: every request is one or more short changes of one row, on whichever node it comes
 * in.
 */

export interface SeramSessionsOptions {
  readonly database: Kysely<FrontTables>;
  readonly bells: Bells;
  /** How long a report is held while there is nothing to send; default 25,000. */
  readonly holdMs?: number;
  /** Called when an agent waits: whoever knows how its operation goes may look. */
  readonly onWaiting?: (actionId: string) => void;
  /** Called when an agent says that it has failed, with its words. */
  readonly onFailed?: (actionId: string, reason: string) => void;
}

export interface OrderAnswer {
  readonly order: Order;
  /** Number for the cookie; absent for an order without commands. */
  readonly seq?: number;
}

const DEFAULT_HOLD_MS = 25_000;
/** Longest that a request for a script's result is held; then it is asked again. */
const RESULT_HOLD_MS = 20_000;
/** Pause of an agent that was sent nothing. */
const IDLE: OrderAnswer = { order: { delay: 100 } };

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const secret = (): string => randomBytes(24).toString('base64url');

export class NoSeramSession extends NotFoundError {
  constructor() {
    super(
      'no-such-session',
      'There is no session of this id: it is over, was never there, or belongs to another phone',
    );
  }
}

export class SeramSessions {
  readonly #options: SeramSessionsOptions;
  readonly #stop = new AbortController();

  constructor(options: SeramSessionsOptions) {
    this.#options = options;
  }

  /**
   * The id by which the phone of this action finds its session: for one that is new, or not taken up yet. Each call
   * gives another id, and the one before is good for nothing.
   *
   * @returns undefined while a phone has it
   */
  async openFor(action: {
    readonly id: string;
    readonly card: string;
    readonly element: SeramSession['element'];
    /** Further names of it. */
    readonly names?: readonly string[];
  }): Promise<string | undefined> {
    const { database } = this.#options;
    const sessionId = secret();
    const secretSha256 = sha256(sessionId);
    const live = await findLiveSession(database, action.id);
    const state =
      live === undefined
        ? undefined
        : await this.#change(live, (session, now) => ({ session: givenAgain(session, now), value: session.state }));
    if (live !== undefined && state === 'CREATED') {
      await replaceSecret(database, live, secretSha256);
      return sessionId;
    }
    if (state !== undefined && !['STOPPED', 'LOST', 'FAILED', 'EXPIRED'].includes(state)) return undefined;
    const body = newSession(action.element, await databaseNow(database), action.names);
    const handle = randomBytes(16).toString('hex');
    await addSession(database, { handle, actionId: action.id, card: action.card, body, secretSha256 });
    return sessionId;
  }

  /**
   * @returns the answer and the cookie that binds the session to this agent
   * @throws NoSeramSession @throws NotAcceptable what the agent offers is not what the session needs
   */
  async handshake(
    sessionId: string,
    offer: Handshake,
  ): Promise<{ readonly answer: HandshakeAnswer; readonly binding: string } | { readonly refused: string }> {
    const binding = secret();
    const made = await this.#changeBySecret(sessionId, (session, now) => {
      const value = negotiate(session, offer, sha256(binding), now);
      return { session: value.kind === 'chosen' ? value.session : session, value };
    });
    if (made === undefined || made.kind === 'unknown') throw new NoSeramSession();
    return made.kind === 'refused' ? { refused: made.reason } : { answer: made.answer, binding };
  }

  /**
   * Takes a report and answers the next order: at once, or as soon as there is one, or without commands when the time
   * that a report may be held is over.
   *
   * @param gone aborted when the agent's connection is: a report that nobody waits for any more takes no order
   * @throws NoSeramSession
   */
  async report(
    sessionId: string,
    report: Report,
    cookies: { readonly seq?: number; readonly binding?: string; readonly link?: string },
    gone?: AbortSignal,
  ): Promise<OrderAnswer | { readonly refused: string }> {
    const known: ReportCookies = {
      ...(cookies.seq === undefined ? {} : { seq: cookies.seq }),
      ...(cookies.binding === undefined ? {} : { binding: sha256(cookies.binding) }),
      ...(cookies.link === undefined ? {} : { link: cookies.link }),
    };
    const first = await this.#changeBySecret(sessionId, (session, now, row) => {
      const heard = hear(session, report, known, now);
      const after = 'session' in heard ? heard.session : session;
      const seq = known.seq ?? (after.cookies === true ? 0 : session.seq);
      const given = heard.kind === 'heard' ? give(after, now, 0) : undefined;
      return {
        session: given?.session ?? after,
        value: { heard, given, seq, row, over: isOver(given?.session ?? after) },
      };
    });
    if (first === undefined || first.heard.kind === 'unknown') throw new NoSeramSession();
    if (first.heard.kind === 'refused') return { refused: first.heard.reason };
    if (first.heard.kind === 'again') return { order: first.heard.order, seq: first.heard.seq };
    if (first.given !== undefined) return first.given;
    const { state, reason } = first.heard.session;
    if (state === 'FAILED' && reason !== undefined) this.#options.onFailed?.(first.row.actionId, reason);
    if (first.over) throw new NoSeramSession();
    this.#options.onWaiting?.(first.row.actionId);
    return this.#hold(first.row.handle, first.seq, gone);
  }

  /** The answer with this order was not written to its end: its connection broke before. */
  async broken(sessionId: string, seq: number): Promise<void> {
    await this.#changeBySecret(sessionId, (session) => ({ session: cut(session, seq), value: undefined }));
  }

  /** @param seq number of the last order that the agent has */
  async #hold(handle: string, seq: number, gone?: AbortSignal): Promise<OrderAnswer> {
    const { bells, holdMs = DEFAULT_HOLD_MS } = this.#options;
    const next = async () =>
      gone?.aborted === true ? 'gone' : this.#change(handle, (session, now) => nextFor(session, seq, now));
    const found = await readUntil(bells, sessionBell(handle), next, {
      waitMs: holdMs,
      signal: gone === undefined ? this.#stop.signal : AbortSignal.any([this.#stop.signal, gone]),
      done: (value) => value !== undefined && value !== 'nothing',
    });
    if (found === undefined || found === 'over') throw new NoSeramSession();
    if (found !== 'gone' && found !== 'nothing') return found;
    if (gone?.aborted === true) return IDLE;
    const start = await this.#change(handle, (session) => {
      const given = giveStart(session, 0);
      return { session: given?.session ?? session, value: given };
    });
    return start ?? IDLE;
  }

  /**
   * The card as a reader of the OTA server. @throws NotFoundError `no-such-reader` when no phone was told to bring it
   */
  async reader(card: string, waitMs: number): Promise<SeramReader> {
    const read = async (): Promise<SeramReader | undefined> => {
      const handle = await findSessionOfCard(this.#options.database, card);
      const session =
        handle === undefined
          ? undefined
          : await this.#change(handle, (found, now) => ({
              session: found,
              value: isOver(found) ? undefined : { present: isPresent(found) && isHeard(found, now) },
            }));
      return handle === undefined || session === undefined ? undefined : { ...session, insertion: handle };
    };
    const found = await readUntil(this.#options.bells, cardBell(card), read, {
      waitMs,
      signal: this.#stop.signal,
      done: (value) => value?.present === true,
    });
    if (found === undefined) throw new NotFoundError('no-such-reader', 'No phone was told to bring this card');
    return found;
  }

  /**
   * Has the phone run a script, or waits on for one that it has. Held for some time at most; then it is still pending.
   *
   * @returns whatever goes wrong is part of the result
   */
  async run(card: string, script: SeramScript): Promise<SeramScriptResult> {
    const handle = script.insertion;
    const taken = await this.#change(handle, (session, now, row) => {
      if (row.card !== card) return { session, value: failedResult('card-removed', 'another phone brings this card') };
      const { session: after, refused } = submit(session, script, now);
      return { session: after, value: refused };
    });
    if (taken !== undefined) return { pending: false, result: taken };
    const found = await readUntil(
      this.#options.bells,
      sessionBell(handle),
      () => this.#change(handle, (session, now) => resultOf(session, script.id, now)),
      { waitMs: RESULT_HOLD_MS, signal: this.#stop.signal, done: (value) => value?.pending !== true },
    );
    return found ?? { pending: false, result: failedResult('card-removed', 'there is no such session') };
  }

  /** @returns for how long nobody has had work for the phone of this action; undefined when it has none any more */
  async idleMs(actionId: string): Promise<number | undefined> {
    const handle = await findLiveSession(this.#options.database, actionId);
    if (handle === undefined) return undefined;
    return this.#change(handle, (session, now) => ({
      session,
      value: isOver(session) ? undefined : idleMs(session, now),
    }));
  }

  /** Why the phone of this action is gone; undefined where it had none, or was told to stop. */
  async reasonOf(actionId: string): Promise<string | undefined> {
    const last = await findLastSession<SeramSession>(this.#options.database, actionId);
    return last?.reason;
  }

  /** The operation is over: its phone is told so, with a text for the app, and stops. */
  async end(actionId: string, text: string): Promise<void> {
    const handle = await findLiveSession(this.#options.database, actionId);
    if (handle !== undefined)
      await this.#change(handle, (session) => ({ session: end(session, text), value: undefined }));
  }

  /** Answers all that wait: this node stops. */
  drain(): void {
    this.#stop.abort();
  }

  #change<T>(handle: string, act: Act<T>): Promise<T | undefined> {
    return this.#changed({ handle }, act);
  }

  #changeBySecret<T>(sessionId: string, act: Act<T>): Promise<T | undefined> {
    return this.#changed({ secretSha256: sha256(sessionId) }, act);
  }

  async #changed<T>(by: { secretSha256: string } | { handle: string }, act: Act<T>): Promise<T | undefined> {
    if (this.#stop.signal.aborted && 'secretSha256' in by)
      throw new TransportError('draining', 'this node stops: try again');
    return changeSession<SeramSession, T>(this.#options.database, by, (row, now) => {
      const before = aged(row.body, now);
      const { session, value } = act(before, now, row);
      return { ...(session === row.body ? {} : { body: session }), over: isOver(session), value };
    });
  }
}

type Act<T> = (
  session: SeramSession,
  now: number,
  row: SessionRow<SeramSession>,
) => { readonly session: SeramSession; readonly value: T };

/** What a report that is held is answered with, as the session is now. */
function nextFor(
  session: SeramSession,
  seq: number,
  now: number,
): { readonly session: SeramSession; readonly value: OrderAnswer | 'nothing' | 'over' } {
  const missed: Heard | undefined = givenSince(session, seq, now);
  if (missed?.kind === 'again') {
    const { session: given, order, seq: number } = missed;
    return { session: { ...given, twice: number }, value: { order, seq: number } };
  }
  const current = missed?.kind === 'heard' ? missed.session : session;
  if (isOver(current)) return { session: current, value: 'over' };
  const given: Given | undefined = give(current, now, 0);
  return { session: given?.session ?? current, value: given ?? 'nothing' };
}

function resultOf(
  session: SeramSession,
  id: string,
  now: number,
): { readonly session: SeramSession; readonly value: SeramScriptResult } {
  const timely = session.script?.id === id && session.script.answerBefore < now ? giveUp(session, id) : session;
  if (timely.result?.id === id) return { session: timely, value: { pending: false, result: timely.result.result } };
  if (timely.script?.id === id) return { session: timely, value: { pending: true } };
  const gone = failedResult('stale-fence', 'a newer session holds the card');
  return { session: timely, value: { pending: false, result: gone } };
}

// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { ConflictError, NotFoundError, TransportError, TsmError } from '../../errors.ts';
import { Bells } from '../../store/bells.ts';
import type { CloseReason, LeaseTable, SessionRow, Taken } from '../../store/ota/lease-table.ts';
import { terminalBell } from '../../store/ota/terminal-table.ts';
import { Turnstile } from '../../transport/transport-failure.ts';
import type {
  CardCommand,
  CardSessionInfo,
  ExchangeRequest,
  ExchangeResult,
  GiveBackCard,
  OpenCardSession,
  TerminalInfo,
} from '../../wire/message/card-script.ts';
import { commandOf, fromCaller } from './callers-command.ts';
import type { CardBearer, CarriedScript } from './card-bearer.ts';
import { type ProviderQuotas, tooManySessions } from './provider-quotas.ts';
import type { ReachedCard, ReaderInfo, TerminalDirectory } from './terminal-directory.ts';

export interface CardSessionsOptions {
  readonly leases: LeaseTable;
  readonly terminals: TerminalDirectory;
  readonly quotas: ProviderQuotas;
  /** How scripts go to cards. */
  readonly bearer: CardBearer;
  /** How long an owner keeps the card without a sign of life; default 60,000. */
  readonly leaseMs?: number;
  readonly onTrip?: (cost: ExchangeResult['cost']) => void;
  /** Ring for readers; default those of this node alone. */
  readonly bells?: Bells;
  readonly onError?: (error: Error) => void;
}

const DEFAULT_LEASE_MS = 60_000;
const COMMAND_MS = 30_000;
const LONGEST_SCRIPT_MS = 900_000;
/** What the way to the terminal and back may take beyond the card's own time. */
const LINK_MS = 10_000;
/** Requests that may wait for one reader. */
const MAX_WAITING = 8;
/** A session that has been silent for so long has its lease cut down to the usual length again. */
const SETTLE_MS = 1_000;
/** The bell that rings when the last script is done. */
const IDLE_BELL = 'idle';
/** Of a bearer that was passed over, in characters. */
const MAX_REASON = 200;
/** A reason that costs nothing: without one, each end of a wait makes an exception with its stack. */
const LOOKED = 'waited';

interface Reader {
  readonly turns: Turnstile;
  waiting: number;
}

/** Card sessions: a provider holds one card under a lease and exchanges scripts with it. */
export class CardSessions {
  readonly #options: CardSessionsOptions;
  readonly #readers = new Map<string, Reader>();
  readonly #bells: Bells;
  /** Sessions that were opened or used here and have not ended: what never changes of them. */
  readonly #known = new Map<string, SessionRow>();
  /** The last session of each reader. */
  readonly #ofReader = new Map<string, string>();
  readonly #settling = new Map<string, NodeJS.Timeout>();
  #running = 0;
  #draining = false;

  constructor(options: CardSessionsOptions) {
    this.#options = options;
    this.#bells = options.bells ?? new Bells();
  }

  get #leaseMs(): number {
    return this.#options.leaseMs ?? DEFAULT_LEASE_MS;
  }

  /** Sessions that this node keeps in memory: one of each reader at most. */
  get remembered(): number {
    return this.#ofReader.size;
  }

  /**
   * Opens a session on the card that is in the reader now, and runs its first script where one comes along. The same
   * owner gets its lease back with a new fence; for another's it waits up to `waitMs`, as for a terminal or card that
   * is not there yet, unless the caller leaves before.
   *
   * @throws ConflictError `card-busy`
   * @throws TransportError `terminal-away`, `card-absent`, and what `exchange` throws for a first script
   * @throws NotFoundError `reader-unknown`
   * @throws PolicyError, LimitError for a provider that is not registered or has its share
   * @throws UnacceptableError `apdu-malformed`, before anything is held or sent
   */
  async open(providerId: string, request: OpenCardSession, caller?: AbortSignal): Promise<CardSessionInfo> {
    const { quotas, terminals } = this.#options;
    requireCommands(request.commands);
    await this.#admit(providerId);
    const work = (waits: () => Promise<void>) => this.#openWhenFree(providerId, request, { waits, caller });
    const opened = await quotas.whileWaiting(providerId, work, terminals.alone);
    if (this.#known.has(opened.sessionId)) quotas.holds(providerId, readerKey(request), this.#leaseMs);
    const { commands } = request;
    // Who has left holds nothing any more.
    if (commands === undefined || caller?.aborted === true) return opened;
    return this.#withFirst(providerId, opened, commands, caller);
  }

  /** Nobody hears of a session whose first script failed, or whose caller left while it ran: it ends. */
  async #withFirst(
    providerId: string,
    opened: CardSessionInfo,
    commands: CardCommand[],
    caller: AbortSignal | undefined,
  ): Promise<CardSessionInfo> {
    const { sessionId, fence } = opened;
    let heard = false;
    try {
      const first = await this.exchange(providerId, sessionId, { fence, commands });
      heard = caller?.aborted !== true;
      return { ...opened, first };
    } finally {
      if (!heard) await this.close(providerId, sessionId).catch((failed: Error) => this.#options.onError?.(failed));
    }
  }

  /**
   * The last script of a session: its answers count, also when the session does not end with it.
   *
   * @throws as exchange
   */
  async exchangeLast(providerId: string, sessionId: string, request: ExchangeRequest): Promise<ExchangeResult> {
    const result = await this.exchange(providerId, sessionId, request);
    try {
      await this.close(providerId, sessionId);
      return { ...result, ended: true };
    } catch (error) {
      this.#options.onError?.(error instanceof Error ? error : new Error(String(error)));
      return result;
    }
  }

  async #openWhenFree(
    providerId: string,
    request: OpenCardSession,
    { waits, caller }: { readonly waits: () => Promise<void>; readonly caller: AbortSignal | undefined },
  ): Promise<CardSessionInfo> {
    const deadline = performance.now() + (request.waitMs ?? 0);
    const bells = [readerBell(request.terminalId, request.readerName), terminalBell(request.terminalId)];
    for (;;) {
      this.#refuseWhenDraining();
      // The bell is heard from before the look on: a card that comes in between is not missed.
      const stop = new AbortController();
      const signal = caller === undefined ? stop.signal : AbortSignal.any([stop.signal, caller]);
      const waitMs = Math.max(0, deadline - performance.now());
      const rung = Promise.race(bells.map((bell) => this.#bells.heard(bell, waitMs, signal)));
      try {
        const opened = await this.#tryOpen(providerId, request).catch((error: unknown) => {
          if (error instanceof TsmError) return error;
          throw error;
        });
        // A turn of the event loop: a caller whose connection has ended is heard of before the lease is his.
        await setImmediate();
        const gone = caller?.aborted === true;
        if (!(opened instanceof TsmError)) {
          // Nobody is there to use the lease: it goes back at once instead of running out.
          if (gone) await this.close(providerId, opened.sessionId);
          return opened;
        }
        if (!mayPass(opened) || performance.now() >= deadline || gone) throw opened;
        await waits();
        await Promise.race([rung, ...leaseEnd(opened, stop.signal)]);
      } finally {
        stop.abort(LOOKED);
      }
    }
  }

  async #tryOpen(providerId: string, request: OpenCardSession): Promise<CardSessionInfo> {
    const { terminalId, readerName, owner } = request;
    const card = await this.#options.terminals.reader(terminalId, readerName);
    const { reader } = card;
    requireCard(reader);
    const sessionId = randomBytes(16).toString('hex');
    const { insertion, atr } = reader;
    const session = { sessionId, terminalId, readerName, providerId, owner, insertion };
    const { leases, quotas, terminals } = this.#options;
    const maxSessions = quotas.maxSessions(providerId);
    const counted = terminals.alone ? {} : { maxSessions };
    const taken: Taken = await leases.take({ ...session, ...counted, leaseMs: this.#leaseMs });
    if (taken === 'too-many-sessions') throw tooManySessions(maxSessions);
    if ('busyMs' in taken) {
      throw new ConflictError('card-busy', `another owner holds the card in ${readerName}: wait or try again later`, {
        terminalId,
        readerName,
        busyMs: Math.ceil(taken.busyMs),
      });
    }
    this.#remember({ ...session, fence: taken.fence, closed: null });
    // The card of the session before is given back at once; the first exchange would do it otherwise.
    this.#options.bearer.release(card, taken.fence - 1);
    return { sessionId, fence: taken.fence, atr, insertion, leaseExpiresAt: taken.expiresAt.toISOString() };
  }

  /**
   * Runs one script on the session's card.
   *
   * @throws UnacceptableError `apdu-malformed`, before anything is sent
   * @throws NotFoundError `no-such-card-session`
   * @throws ConflictError `stale-fence`, `card-busy` (too many wait for this reader)
   * @throws TransportError `card-removed` (session closed), `outcome-unknown` (session closed), `terminal-away`,
   *   or the code of the terminal's link failure; the context says how many commands were answered
   */
  async exchange(providerId: string, sessionId: string, request: ExchangeRequest): Promise<ExchangeResult> {
    this.#refuseWhenDraining();
    requireCommands(request.commands);
    await this.#admit(providerId);
    const session = await this.#session(providerId, sessionId, request.fence);
    this.#options.quotas.holds(providerId, readerKey(session), this.#leaseMs + scriptTimeMs(request.commands));
    const reader = this.#reader(session);
    if (reader.waiting >= MAX_WAITING) {
      throw new ConflictError('card-busy', `too many scripts wait for ${session.readerName}`, {
        readerName: session.readerName,
      });
    }
    reader.waiting++;
    this.#running++;
    try {
      return await reader.turns.run(() => this.#exchangeNow(session, request.commands));
    } finally {
      reader.waiting--;
      this.#running--;
      if (reader.waiting === 0) this.#readers.delete(readerKey(session));
      if (this.#running === 0) this.#bells.ring(IDLE_BELL);
    }
  }

  async #exchangeNow(session: SessionRow, commands: readonly CardCommand[]): Promise<ExchangeResult> {
    const { terminalId, readerName, insertion, fence } = session;
    const timeoutMs = scriptTimeMs(commands);
    const started = performance.now();
    const card = await this.#options.terminals.reader(terminalId, readerName);
    if (card.reader.insertion !== insertion)
      throw await this.#ended(session, 'card-removed', 'the card of this session was removed');
    // Checked last before the card is touched; the terminal compares the number once more.
    this.#cancelSettling(session.sessionId);
    if ((await this.#options.leases.extend(session, timeoutMs + this.#leaseMs)) === undefined)
      throw await this.#lost(session);
    const result = await this.#send(session, card, commands, timeoutMs);
    this.#settleLater(session);
    if (result.failure !== undefined) throw await this.#failed(session, result);
    const { responses, stopped, apdus, bytesOut, bytesIn, roundTrips = 1, bearer } = result;
    const ms = Math.round((performance.now() - started) * 100) / 100;
    const cost = { roundTrips, apdus, bytesOut, bytesIn, ms };
    this.#options.onTrip?.(cost);
    if (responses.length > commands.length || (!stopped && responses.length < commands.length)) {
      throw await this.#ended(
        session,
        'outcome-unknown',
        `terminal ${terminalId} answered fence ${fence} with another number of responses`,
      );
    }
    if (bearer === undefined) return { responses, stopped, cost };
    const insteadOf = (result.insteadOf ?? []).map((one) => ({ ...one, reason: one.reason.slice(0, MAX_REASON) }));
    return { responses, stopped, cost, bearer, insteadOf };
  }

  async #send(
    session: SessionRow,
    card: ReachedCard,
    commands: readonly CardCommand[],
    timeoutMs: number,
  ): Promise<CarriedScript> {
    const { readerName, insertion, fence, providerId } = session;
    const script = { providerId, readerName, insertion, fence, commands: [...commands] };
    try {
      return await this.#options.bearer.exchange(card, script, timeoutMs);
    } catch (error) {
      if (error instanceof TransportError) throw await this.#ended(session, 'outcome-unknown', error.message, error);
      throw error;
    }
  }

  /** The link to the card failed at the terminal: what ran is known up to the last answer, not further. */
  async #failed(session: SessionRow, result: CarriedScript): Promise<TsmError> {
    const { code, message } = result.failure ?? { code: 'link-lost', message: '' };
    if (code === 'stale-fence') return staleFence(session);
    const context = {
      terminalId: session.terminalId,
      readerName: session.readerName,
      answered: result.responses.length,
      outcome: 'unknown',
    };
    await this.#close(session, code === 'card-removed' ? 'card-removed' : 'outcome-unknown');
    return new TransportError(
      /^[a-z0-9-]{1,64}$/.test(code) ? code : 'link-lost',
      `the terminal's link to the card failed: ${message}`,
      context,
    );
  }

  async #ended(
    session: SessionRow,
    reason: 'card-removed' | 'outcome-unknown',
    message: string,
    cause?: unknown,
  ): Promise<TransportError> {
    await this.#close(session, reason);
    const { terminalId, readerName } = session;
    return new TransportError(
      reason,
      `${message}; open a new session and look at the card`,
      { terminalId, readerName },
      cause,
    );
  }

  /** Keeps the lease for another while. @throws as exchange */
  async renew(providerId: string, sessionId: string, fence: number): Promise<CardSessionInfo> {
    await this.#admit(providerId);
    const session = await this.#session(providerId, sessionId, fence);
    this.#options.quotas.holds(providerId, readerKey(session), this.#leaseMs);
    const { reader } = await this.#options.terminals.reader(session.terminalId, session.readerName);
    if (reader.insertion !== session.insertion)
      throw await this.#ended(session, 'card-removed', 'the card of this session was removed');
    const expiresAt = await this.#options.leases.extend(session, this.#leaseMs);
    if (expiresAt === undefined) throw staleFence(session);
    return { sessionId, fence, atr: reader.atr, insertion: reader.insertion, leaseExpiresAt: expiresAt.toISOString() };
  }

  /** Ends a session; one that has ended already stays ended. @throws NotFoundError `no-such-card-session` */
  async close(providerId: string, sessionId: string): Promise<void> {
    const known = this.#known.get(sessionId);
    const session = known?.providerId === providerId ? known : await this.#find(providerId, sessionId);
    if (session.closed !== null) return;
    this.#options.quotas.gaveBack(providerId, readerKey(session));
    await this.#close(session, 'closed');
    try {
      const card = await this.#options.terminals.reader(session.terminalId, session.readerName);
      this.#options.bearer.release(card, session.fence);
    } catch (error) {
      // A terminal that is away gives the card back when the next fence comes.
      if (!(error instanceof TsmError)) throw error;
    }
  }

  /** Terminals and readers; of a card that another provider holds only that one is there. */
  async terminals(providerId: string): Promise<TerminalInfo[]> {
    await this.#admit(providerId);
    const others = new Set((await this.#options.leases.heldByOthers(providerId)).map(readerKey));
    // The number is of the subscriber, and no provider needs it.
    const shown = (terminalId: string, { msisdn: _msisdn, ...reader }: ReaderInfo): ReaderInfo =>
      others.has(readerKey({ terminalId, readerName: reader.readerName }))
        ? { ...reader, atr: '', insertion: 'held' }
        : reader;
    const all = await this.#options.terminals.list();
    return all.map((terminal) => ({
      ...terminal,
      readers: terminal.readers.map((reader) => shown(terminal.terminalId, reader)),
    }));
  }

  /** Ends the session that this owner has on the reader: for one who does not know it any more. */
  async giveBack(providerId: string, held: GiveBackCard): Promise<void> {
    await this.#admit(providerId);
    const sessionId = await this.#options.leases.heldBy(providerId, held);
    if (sessionId !== undefined) await this.close(providerId, sessionId);
  }

  /** @throws PolicyError, LimitError */
  #admit(providerId: string): Promise<void> {
    const { quotas, terminals } = this.#options;
    return quotas.admit(providerId, terminals.alone);
  }

  /** One session a reader: what a caller never closed goes with the next lease, so that readers bound what is kept. */
  #remember(session: SessionRow): void {
    const before = this.#ofReader.get(readerKey(session));
    if (before !== undefined) this.#known.delete(before);
    this.#ofReader.set(readerKey(session), session.sessionId);
    this.#known.set(session.sessionId, session);
  }

  /** A session that is over is kept no more, and its card counts no more against its provider. */
  #forget(session: SessionRow): void {
    this.#known.delete(session.sessionId);
    const key = readerKey(session);
    // The reader may be a later session's by now.
    if (this.#ofReader.get(key) !== session.sessionId) return;
    this.#ofReader.delete(key);
    this.#options.quotas.gaveBack(session.providerId, key);
  }

  /** Ends a session in the table and for those who wait for its reader. */
  async #close(session: SessionRow, reason: CloseReason): Promise<void> {
    this.#cancelSettling(session.sessionId);
    this.#forget(session);
    await this.#options.leases.close(session.sessionId, reason);
    this.#bells.ring(readerBell(session.terminalId, session.readerName));
  }

  /** A script may take minutes and its lease lasts as long; soon after it the lease is cut down to the usual length. */
  #settleLater(session: SessionRow): void {
    const settle = () => {
      this.#settling.delete(session.sessionId);
      this.#options.leases.extend(session, this.#leaseMs).catch((error: Error) => this.#options.onError?.(error));
    };
    this.#settling.set(session.sessionId, setTimeout(settle, Math.min(SETTLE_MS, this.#leaseMs)).unref());
  }

  #cancelSettling(sessionId: string): void {
    clearTimeout(this.#settling.get(sessionId));
    this.#settling.delete(sessionId);
  }

  /** Why a session that was thought to hold the lease does not. */
  async #lost(session: SessionRow): Promise<TsmError> {
    this.#forget(session);
    try {
      await this.#session(session.providerId, session.sessionId, session.fence);
    } catch (error) {
      if (error instanceof TsmError) return error;
      throw error;
    }
    return staleFence(session);
  }

  /** A terminal reported its readers: sessions of cards that are gone end. */
  async readersChanged(terminalId: string, readers: readonly ReaderInfo[]): Promise<void> {
    await this.#options.leases.closeRemoved(
      terminalId,
      readers.filter((reader) => reader.cardPresent),
    );
    for (const { readerName } of readers) this.#bells.ring(readerBell(terminalId, readerName));
  }

  /** Cuts down what nodes that are gone had given their scripts time for; called before the first session too. */
  async settleDead(): Promise<void> {
    await this.#options.leases.settleDead(this.#leaseMs);
  }

  /** Takes nothing new and waits for the scripts that run, at most `limitMs`. */
  async drain(limitMs: number): Promise<void> {
    this.#draining = true;
    this.#bells.ringAll();
    const deadline = performance.now() + limitMs;
    while (this.#running > 0 && performance.now() < deadline)
      await this.#bells.heard(IDLE_BELL, deadline - performance.now());
    for (const timer of this.#settling.values()) clearTimeout(timer);
  }

  #refuseWhenDraining(): void {
    if (this.#draining) throw new TransportError('draining', 'this node stops: try again');
  }

  async #find(providerId: string, sessionId: string) {
    const session = await this.#options.leases.find(sessionId, providerId);
    if (session === undefined)
      throw new NotFoundError('no-such-card-session', 'there is no such card session: open one');
    return session;
  }

  async #session(providerId: string, sessionId: string, fence: number): Promise<SessionRow> {
    const known = this.#known.get(sessionId);
    // Whether it still holds the lease is asked once more before the card is touched.
    if (known?.providerId === providerId && known.fence === fence) return known;
    const session = await this.#find(providerId, sessionId);
    if (session.closed === 'closed')
      throw new NotFoundError('no-such-card-session', 'this card session was closed: open one');
    if (session.closed === 'card-removed')
      throw new TransportError('card-removed', 'the card of this session was removed');
    if (session.closed === 'outcome-unknown') {
      throw new TransportError(
        'session-lost',
        'a script of this session has an unknown outcome: open a new session and look at the card',
      );
    }
    if (session.closed !== null || !session.current || session.fence !== fence) throw staleFence(session);
    return session;
  }

  #reader(session: SessionRow): Reader {
    const key = readerKey(session);
    let reader = this.#readers.get(key);
    if (reader === undefined) {
      reader = { turns: new Turnstile(), waiting: 0 };
      this.#readers.set(key, reader);
    }
    return reader;
  }
}

/** The bell of one reader: its card came or left, or its lease was given back. */
export const readerBell = (terminalId: string, readerName: string): string => `reader ${terminalId} ${readerName}`;

const mayPass = (error: TsmError): boolean =>
  error instanceof TransportError || error.code === 'card-busy' || error.code === 'reader-unknown';

/** The end of the lease that is in the way, when nobody gives it back before. */
function leaseEnd(refused: TsmError, signal: AbortSignal): Promise<void>[] {
  const { busyMs } = refused.context;
  if (typeof busyMs !== 'number') return [];
  return [delay(busyMs, undefined, { signal }).catch(() => {})];
}

function requireCard(reader: ReaderInfo): void {
  if (!reader.cardPresent)
    throw new TransportError('card-absent', `there is no card in ${reader.readerName}`, {
      readerName: reader.readerName,
    });
}

function staleFence(session: SessionRow): ConflictError {
  return new ConflictError('stale-fence', 'this session was replaced by a newer one: nothing was sent to the card', {
    fence: session.fence,
  });
}

function readerKey({ terminalId, readerName }: Pick<SessionRow, 'terminalId' | 'readerName'>): string {
  return `${terminalId}\n${readerName}`;
}

/** Each command is one, by whatever bearer it goes: one that only a packet would find out about ends no session. */
function requireCommands(commands: readonly CardCommand[] = []): void {
  fromCaller(() => commands.flatMap(({ apdus }) => apdus).map(commandOf));
}

/** Longest time that a script may take, the way included. */
function scriptTimeMs(commands: readonly CardCommand[]): number {
  const cardMs = commands.reduce((sum, { timeoutMs, apdus }) => sum + (timeoutMs ?? COMMAND_MS) * apdus.length, 0);
  return Math.min(cardMs, LONGEST_SCRIPT_MS) + LINK_MS;
}

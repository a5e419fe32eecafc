import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { ConflictError, NotFoundError, TransportError, TsmError } from '../../errors.ts';
import type { LeaseTable, SessionRow, Taken } from '../../store/ota/lease-table.ts';
import { Turnstile } from '../../transport/transport-failure.ts';
import type {
  CardCommand,
  CardSessionInfo,
  ExchangeRequest,
  ExchangeResult,
  OpenCardSession,
  TerminalResult,
} from '../../wire/message/card-script.ts';
import type { ReaderInfo, TerminalDirectory, TerminalLink } from './terminal-directory.ts';
import type { TrafficRecord } from './traffic-record.ts';

export interface CardSessionsOptions {
  readonly leases: LeaseTable;
  readonly terminals: TerminalDirectory;
  /** How long an owner keeps the card without a sign of life; default 60,000. */
  readonly leaseMs?: number;
  /** Added to each round trip, for measurements; default 0. */
  readonly addedDelayMs?: number;
  readonly record?: TrafficRecord;
  readonly onTrip?: (cost: ExchangeResult['cost']) => void;
}

const DEFAULT_LEASE_MS = 60_000;
const COMMAND_MS = 30_000;
const LONGEST_SCRIPT_MS = 900_000;
/** What the way to the terminal and back may take beyond the card's own time. */
const LINK_MS = 10_000;
/** Requests that may wait for one reader. */
const MAX_WAITING = 8;
const POLL_MS = 200;

interface Reader {
  readonly turns: Turnstile;
  waiting: number;
}

/** Card sessions: a provider holds one card under a lease and exchanges scripts with it. */
export class CardSessions {
  readonly #options: CardSessionsOptions;
  readonly #readers = new Map<string, Reader>();
  readonly #wakers = new Set<() => void>();
  #running = 0;
  #draining = false;

  constructor(options: CardSessionsOptions) {
    this.#options = options;
  }

  get #leaseMs(): number {
    return this.#options.leaseMs ?? DEFAULT_LEASE_MS;
  }

  /**
   * Opens a session on the card that is in the reader now. The same owner gets its lease back with a
   * new fence; for another's it waits up to `waitMs`, as for a terminal or card that is not there yet,
   * unless the caller leaves before.
   *
   * @throws ConflictError `card-busy`
   * @throws TransportError `terminal-away`, `card-absent`
   * @throws NotFoundError `reader-unknown`
   */
  async open(providerId: string, request: OpenCardSession, caller?: AbortSignal): Promise<CardSessionInfo> {
    const deadline = Date.now() + (request.waitMs ?? 0);
    for (;;) {
      this.#refuseWhenDraining();
      const opened = await this.#tryOpen(providerId, request).catch((error: unknown) => {
        if (error instanceof TsmError) return error;
        throw error;
      });
      const gone = caller?.aborted === true;
      if (!(opened instanceof TsmError)) {
        // Nobody is there to use the lease: it goes back at once instead of running out.
        if (gone) await this.#options.leases.close(opened.sessionId, 'closed');
        return opened;
      }
      const mayPass =
        opened instanceof TransportError || opened.code === 'card-busy' || opened.code === 'reader-unknown';
      const left = deadline - Date.now();
      if (!mayPass || left <= 0 || gone) throw opened;
      await this.#woken(Math.min(left, POLL_MS));
    }
  }

  async #tryOpen(providerId: string, request: OpenCardSession): Promise<CardSessionInfo> {
    const { terminalId, readerName, owner } = request;
    const { link, reader } = this.#options.terminals.reader(terminalId, readerName);
    requireCard(reader);
    const sessionId = randomBytes(16).toString('hex');
    const { insertion, atr } = reader;
    const taken: Taken = await this.#options.leases.take({
      sessionId,
      terminalId,
      readerName,
      providerId,
      owner,
      insertion,
      leaseMs: this.#leaseMs,
    });
    if (taken === 'busy') {
      throw new ConflictError('card-busy', `another owner holds the card in ${readerName}: wait or try again later`, {
        terminalId,
        readerName,
      });
    }
    // The card of the session before is given back at once; the first exchange would do it otherwise.
    link.release(readerName, taken.fence - 1);
    return { sessionId, fence: taken.fence, atr, insertion, leaseExpiresAt: taken.expiresAt.toISOString() };
  }

  /**
   * Runs one script on the session's card.
   *
   * @throws NotFoundError `no-such-card-session`
   * @throws ConflictError `stale-fence`, `card-busy` (too many wait for this reader)
   * @throws TransportError `card-removed` (session closed), `outcome-unknown` (session closed), `terminal-away`,
   *   or the code of the terminal's link failure; the context says how many commands were answered
   */
  async exchange(providerId: string, sessionId: string, request: ExchangeRequest): Promise<ExchangeResult> {
    this.#refuseWhenDraining();
    const session = await this.#session(providerId, sessionId, request.fence);
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
      this.#wake();
    }
  }

  async #exchangeNow(session: SessionRow, commands: readonly CardCommand[]): Promise<ExchangeResult> {
    const { terminalId, readerName, insertion, fence } = session;
    const timeoutMs = scriptTimeMs(commands);
    const started = performance.now();
    if (this.#options.addedDelayMs) await delay(this.#options.addedDelayMs);
    const { link, reader } = this.#options.terminals.reader(terminalId, readerName);
    if (reader.insertion !== insertion)
      throw await this.#ended(session, 'card-removed', 'the card of this session was removed');
    // Checked last before the card is touched; the terminal compares the number once more.
    if ((await this.#options.leases.extend(session, timeoutMs + this.#leaseMs)) === undefined)
      throw staleFence(session);
    const result = await this.#send(session, link, commands, timeoutMs);
    await this.#options.leases.extend(session, this.#leaseMs);
    if (result.failure !== undefined) throw await this.#failed(session, result);
    const { responses, stopped, apdus, bytesOut, bytesIn } = result;
    const cost = { roundTrips: 1, apdus, bytesOut, bytesIn, ms: Math.round((performance.now() - started) * 100) / 100 };
    this.#options.onTrip?.(cost);
    if (responses.length > commands.length || (!stopped && responses.length < commands.length)) {
      throw await this.#ended(
        session,
        'outcome-unknown',
        `terminal ${terminalId} answered fence ${fence} with another number of responses`,
      );
    }
    return { responses, stopped, cost };
  }

  async #send(
    session: SessionRow,
    link: TerminalLink,
    commands: readonly CardCommand[],
    timeoutMs: number,
  ): Promise<TerminalResult> {
    const { terminalId, readerName, insertion, fence, providerId } = session;
    const entry = { at: new Date().toISOString(), providerId, terminalId, readerName, insertion, fence, commands };
    try {
      const result = await link.exchange({ readerName, insertion, fence, commands: [...commands] }, timeoutMs);
      const failure = result.failure === undefined ? {} : { failure: result.failure.code };
      await this.#options.record?.add({ ...entry, responses: result.responses, ...failure });
      return result;
    } catch (error) {
      await this.#options.record?.add({ ...entry, responses: [], failure: 'outcome-unknown' });
      if (error instanceof TransportError) throw await this.#ended(session, 'outcome-unknown', error.message, error);
      throw error;
    }
  }

  /** The link to the card failed at the terminal: what ran is known up to the last answer, not further. */
  async #failed(session: SessionRow, result: TerminalResult): Promise<TsmError> {
    const { code, message } = result.failure ?? { code: 'link-lost', message: '' };
    if (code === 'stale-fence') return staleFence(session);
    const context = {
      terminalId: session.terminalId,
      readerName: session.readerName,
      answered: result.responses.length,
      outcome: 'unknown',
    };
    await this.#options.leases.close(session.sessionId, code === 'card-removed' ? 'card-removed' : 'outcome-unknown');
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
    await this.#options.leases.close(session.sessionId, reason);
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
    const session = await this.#session(providerId, sessionId, fence);
    const { reader } = this.#options.terminals.reader(session.terminalId, session.readerName);
    if (reader.insertion !== session.insertion)
      throw await this.#ended(session, 'card-removed', 'the card of this session was removed');
    const expiresAt = await this.#options.leases.extend(session, this.#leaseMs);
    if (expiresAt === undefined) throw staleFence(session);
    return { sessionId, fence, atr: reader.atr, insertion: reader.insertion, leaseExpiresAt: expiresAt.toISOString() };
  }

  /** Ends a session; one that has ended already stays ended. @throws NotFoundError `no-such-card-session` */
  async close(providerId: string, sessionId: string): Promise<void> {
    const session = await this.#find(providerId, sessionId);
    if (session.closed !== null) return;
    await this.#options.leases.close(sessionId, 'closed');
    try {
      this.#options.terminals
        .reader(session.terminalId, session.readerName)
        .link.release(session.readerName, session.fence);
    } catch (error) {
      // A terminal that is away gives the card back when the next fence comes.
      if (!(error instanceof TsmError)) throw error;
    }
    this.#wake();
  }

  /** A terminal reported its readers: sessions of cards that are gone end. */
  async readersChanged(terminalId: string, readers: readonly ReaderInfo[]): Promise<void> {
    await this.#options.leases.closeRemoved(
      terminalId,
      readers.filter((reader) => reader.cardPresent),
    );
    this.#wake();
  }

  /** Takes nothing new and waits for the scripts that run, at most `limitMs`. */
  async drain(limitMs: number): Promise<void> {
    this.#draining = true;
    this.#wake();
    const deadline = Date.now() + limitMs;
    while (this.#running > 0 && Date.now() < deadline) await this.#woken(POLL_MS);
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

  #wake(): void {
    for (const waker of this.#wakers) waker();
    this.#wakers.clear();
  }

  #woken(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, timeoutMs);
      const wakers = this.#wakers;
      function done(): void {
        clearTimeout(timer);
        wakers.delete(done);
        resolve();
      }
      wakers.add(done);
    });
  }
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

function readerKey({ terminalId, readerName }: SessionRow): string {
  return `${terminalId}\n${readerName}`;
}

/** Longest time that a script may take, the way included. */
function scriptTimeMs(commands: readonly CardCommand[]): number {
  const cardMs = commands.reduce((sum, { timeoutMs, apdus }) => sum + (timeoutMs ?? COMMAND_MS) * apdus.length, 0);
  return Math.min(cardMs, LONGEST_SCRIPT_MS) + LINK_MS;
}

// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { TransportError } from '../../errors.ts';
import { type Bells, readUntil } from '../../store/bells.ts';
import {
  type AdminPost,
  type AdminSessionKey,
  type AdminSessionRow,
  type AdminSessionTable,
  offerBell,
  resultBell,
} from '../../store/ota/admin-session-table.ts';

/**
 * Remote administration sessions: scripts are offered on one side, the card's POSTs fetch them on the other, at this
 * node or at another. What is sent and not confirmed is known by its number.
 */

export interface AdministrationOptions {
  readonly table: AdminSessionTable;
  readonly bells: Bells;
  /** How long a card's POST waits for a script before it is told to ask again; default 20,000. */
  readonly holdMs?: number;
  /** How long a card may take from its trigger to its first POST; default 30,000. */
  readonly callMs?: number;
  /** A session that has had no script for so long ends; default 300,000. */
  readonly silentMs?: number;
}

/** A script as it travels. */
export interface OfferedScript {
  readonly body: Uint8Array;
  readonly goesOn?: string;
  /** Its commands are for the card's files and not for a security domain; no rule where to go on is with it. */
  readonly files?: true;
  /**
   * It goes to its agent once: by Amendment B an agent repeats its POST after a script that broke off, and may have run
   * a half of it then.
   */
  readonly once?: boolean;
}

export interface ScriptResult {
  readonly status: string;
  readonly body: Uint8Array;
  readonly bytesOut: number;
  readonly bytesIn: number;
}

/** A POST of a card: where it posts, and what. */
export interface CardPost {
  /** Whom TLS named. */
  readonly pskIdentity: string;
  readonly sessionId: string;
  /** Number of the script that the card has run; 0 for none. */
  readonly done: number;
  /** First POST after a break: it has no result with it. */
  readonly resume: boolean;
  readonly status?: string;
  readonly body: Uint8Array;
  /** What the connection has carried since the POST before. */
  readonly traffic: { readonly bytesOut: number; readonly bytesIn: number };
}

/** How a trigger went out. */
export interface Triggered {
  /** Why the card will not call, once it has said so; undefined, or pending for ever, where it has not. */
  readonly refused?: Promise<TransportError | undefined>;
}

export type CardAnswer =
  | ({ readonly kind: 'script'; readonly script: number } & OfferedScript)
  /** Nothing yet: post there again. */
  | { readonly kind: 'again'; readonly script: number }
  | { readonly kind: 'end' }
  /** No such session for this identity, or a number that it never had. */
  | { readonly kind: 'unknown' };

const HOLD_MS = 20_000;
const CALL_MS = 30_000;
const SILENT_MS = 300_000;
const NEW_SESSION_BYTES = 16;
/** In the place of the rules where to go on: the script is for the card's files. No rules read like it. */
const FOR_FILES = '=file-management';

export class Administration {
  readonly #options: AdministrationOptions;
  readonly #draining = new AbortController();

  constructor(options: AdministrationOptions) {
    this.#options = options;
  }

  /**
   * Has the card of this fence run one script.
   *
   * @param trigger makes the card call; it is used when the card has no session yet
   * @throws TransportError `bearer-unreachable` when the card did not call, or ended its call: it got nothing
   * @throws TransportError `outcome-unknown` when its result did not come in time, or was lost
   */
  async run(
    key: AdminSessionKey & { readonly pskIdentity: string },
    script: OfferedScript,
    { trigger, timeoutMs }: { readonly trigger: (sessionId: string) => Promise<Triggered>; readonly timeoutMs: number },
  ): Promise<ScriptResult> {
    const { table } = this.#options;
    const { sessionId, script: number } = await this.#offer(key, script);
    const { refused } =
      (number === 1 &&
        (await trigger(sessionId).catch((error: unknown) => this.#withdraw(sessionId, number, error)))) ||
      {};
    const deadline = performance.now() + timeoutMs;
    const early = await this.#called(sessionId, number, Math.min(timeoutMs, this.#options.callMs ?? CALL_MS), refused);
    const end = early ?? (await this.#result(sessionId, deadline - performance.now()));
    if (end?.state !== 'answered' || end.script !== number || end.result === null || end.status === null) {
      // Its connection may have ended before a byte of it left, after the time in which the card should have called.
      await this.#withdraw(sessionId, number);
      await table.end(key);
      throw new TransportError('outcome-unknown', 'the card has the script and its result did not come', { ...key });
    }
    const { status, result: body, bytesOut, bytesIn } = end;
    return { status, body, bytesOut, bytesIn };
  }

  /** @throws TransportError `bearer-unreachable` when the session of this fence takes no script any more */
  async #offer(key: AdminSessionKey & { readonly pskIdentity: string }, script: OfferedScript) {
    const { table } = this.#options;
    const { body, once } = script;
    const offer = () => table.offer(key, { body, once, goesOn: script.files ? FOR_FILES : script.goesOn });
    // Of all scripts of a session the first alone makes one.
    const offered = await offer();
    if (offered !== undefined) return offered;
    await table.open(key, randomBytes(NEW_SESSION_BYTES).toString('hex'), key.pskIdentity);
    const first = await offer();
    if (first !== undefined) return first;
    throw new TransportError('bearer-unreachable', 'the administration session of this card has ended', { ...key });
  }

  /**
   * Until there is a result, or the time is over in which the card should have fetched its script. That it has is not
   * told: who waits would only wait on.
   *
   * @returns the session when it has gone on
   * @throws TransportError `bearer-unreachable` when the card has not fetched the script
   */
  async #called(sessionId: string, script: number, waitMs: number, refused: Triggered['refused']) {
    const waited = this.#result(sessionId, waitMs);
    const answers: Promise<AdminSessionRow | TransportError | undefined>[] = [waited];
    if (refused !== undefined) answers.push(refused.then(async (error) => error ?? waited));
    const first = await Promise.race(answers);
    if (first instanceof TransportError) await this.#withdraw(sessionId, script, first);
    else if (isOver(first)) return first;
    else if (first?.state === 'offered') await this.#withdraw(sessionId, script);
    return undefined;
  }

  /** @throws TransportError `bearer-unreachable` when the card has not fetched the script */
  async #withdraw(sessionId: string, script: number, cause?: unknown): Promise<undefined> {
    if (!(await this.#options.table.withdraw(sessionId, script))) return undefined;
    const why = cause instanceof TransportError ? cause.message : 'the card did not open a channel: it got nothing';
    throw new TransportError('bearer-unreachable', why, {}, cause);
  }

  #result(sessionId: string, waitMs: number): Promise<AdminSessionRow | undefined> {
    const { table, bells } = this.#options;
    return readUntil(bells, resultBell(sessionId), () => table.find(sessionId), { done: isOver, waitMs });
  }

  /**
   * Answers a card; waits for the next script when there is none yet, and as long as the card's connection is there.
   * The POST is one turn to the database, and the script after it another one.
   */
  async answer(post: CardPost, connection?: AbortSignal): Promise<CardAnswer> {
    const { table, bells, holdMs = HOLD_MS } = this.#options;
    const { sessionId, done } = post;
    let posted: AdminSessionRow | undefined;
    const read = async (): Promise<AdminSessionRow | undefined> => {
      if (posted === undefined) {
        posted = await table.post(sessionId, adminPost(post));
        if (posted?.script === done) return posted;
      }
      // Who is gone gets nothing: the script stays offered.
      if (posted === undefined || connection?.aborted === true) return posted;
      return table.send(sessionId, { done, posts: posted.posts });
    };
    const decided = (row: AdminSessionRow | undefined): boolean =>
      row === undefined || row.script > done || row.state === 'lost' || row.state === 'ended';
    const signal =
      connection === undefined ? this.#draining.signal : AbortSignal.any([this.#draining.signal, connection]);
    const row = await readUntil(bells, offerBell(sessionId), read, { done: decided, waitMs: holdMs, signal });
    if (posted === undefined) return { kind: 'unknown' };
    const sent = row?.state === 'sent' && row.script > done;
    if (connection?.aborted === true) {
      if (sent && row.body !== null) await table.unsent(sessionId, row.script);
      return { kind: 'again', script: done };
    }
    // It is for a later POST, or another one, which waited beside this one, has it.
    if ((sent || row?.state === 'offered') && row.body === null) return { kind: 'again', script: done };
    if (row === undefined || row.state === 'lost' || row.state === 'ended') return { kind: 'end' };
    if (row.script === done) return this.#again(row);
    if (row.state !== 'sent' || row.body === null) return { kind: 'end' };
    const { script, body, goesOn } = row;
    if (goesOn === FOR_FILES) return { kind: 'script', script, body, files: true };
    return { kind: 'script', script, body, ...(goesOn === null ? {} : { goesOn }) };
  }

  /**
   * Where an agent stands that posts to an address of its own, by what has not ended for its identity: after the script
   * that it was sent, when it brings what became of one or says that it resumes; else before one that waits for it.
   * Undefined when there is nothing for it, or when what it brings may be of several.
   */
  async placeOf({ pskIdentity, status, resume }: Omit<CardPost, 'sessionId' | 'done' | 'traffic'>) {
    const open = await this.#options.table.openOf(pskIdentity);
    const [waiting, [sent, another]] = [open.filter(isNotSent), open.filter((one) => !isNotSent(one))];
    const brings = (status !== undefined || resume) && sent !== undefined;
    const next = brings ? undefined : (waiting.find(({ state }) => state === 'offered') ?? waiting[0]);
    const row = next ?? (another === undefined ? sent : undefined);
    if (row === undefined) return undefined;
    return { sessionId: row.sessionId, done: row.state === 'offered' ? row.script - 1 : row.script };
  }

  /** A session that nobody uses ends by and by. */
  async #again(row: AdminSessionRow): Promise<CardAnswer> {
    if (row.silentMs < (this.#options.silentMs ?? SILENT_MS)) return { kind: 'again', script: row.script };
    await this.#options.table.end(row);
    return { kind: 'end' };
  }

  /** The session of this fence is over: the card's POST that waits is answered with the end. */
  end(key: AdminSessionKey): Promise<void> {
    return this.#options.table.end(key);
  }

  /** Lets every POST that waits return: its card asks another node. */
  drain(): void {
    this.#draining.abort('draining');
  }
}

const isNotSent = ({ state }: AdminSessionRow): boolean => state !== 'sent';

/** No card has a script, or will have one. */
const isOver = (row: AdminSessionRow | undefined): boolean => row?.state !== 'offered' && row?.state !== 'sent';

/** After a break there is no result: what the script answered went with the connection. */
const adminPost = ({ pskIdentity, done, resume, status, body, traffic }: CardPost): AdminPost => ({
  pskIdentity,
  done,
  ...traffic,
  outcome: status === undefined || resume ? undefined : { status, result: body },
});

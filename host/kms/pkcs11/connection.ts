// SPDX-License-Identifier: Apache-2.0
import type pkcs11js from 'pkcs11js';
import { TsmError } from '../../errors.ts';
import type { TokenFailure, TokenSettings } from './token-messages.ts';

export type Pkcs11 = typeof pkcs11js;
type Handle = Buffer;

/** A failure on its way out of the thread. */
export class TokenError extends TsmError {
  readonly failure: TokenFailure;

  constructor(kind: TokenFailure['kind'], reason: string) {
    super(`token-${kind}`, reason);
    this.failure = { kind, reason };
  }
}

/** The sessions ended, and the module did not. @see PKCS#11 2.40 5.1 */
const SESSION_LOST: readonly string[] = [
  ...['CKR_SESSION_HANDLE_INVALID', 'CKR_SESSION_CLOSED', 'CKR_USER_NOT_LOGGED_IN', 'CKR_CRYPTOKI_NOT_INITIALIZED'],
];
/** Opened again, the same operation may do. */
const LOST: readonly string[] = [
  ...SESSION_LOST,
  ...['CKR_DEVICE_ERROR', 'CKR_DEVICE_REMOVED', 'CKR_TOKEN_NOT_PRESENT', 'CKR_TOKEN_NOT_RECOGNIZED'],
  ...['CKR_SLOT_ID_INVALID', 'CKR_OBJECT_HANDLE_INVALID', 'CKR_KEY_HANDLE_INVALID', 'CKR_FUNCTION_FAILED'],
];
const PIN: readonly string[] = ['CKR_PIN_INCORRECT', 'CKR_PIN_LOCKED', 'CKR_PIN_EXPIRED', 'CKR_PIN_LEN_RANGE'];

/** CKR_ name of what the module threw. */
export const reasonOf = (error: unknown): string =>
  (error instanceof Error ? /CKR_\w+/.exec(error.message)?.[0] : undefined) ?? 'no PKCS#11 answer';

function refusal(error: unknown): TokenError {
  if (error instanceof TokenError) return error;
  const reason = reasonOf(error);
  return new TokenError(LOST.includes(reason) ? 'away' : 'refused', reason);
}

/** Sessions with one token: as many operations at a time, opened again once when they are lost. */
export class TokenConnection {
  readonly #p: Pkcs11;
  readonly #module: pkcs11js.PKCS11;
  readonly #settings: TokenSettings;
  #free: Handle[] = [];
  #waiting: { resolve: (session: Handle) => void; reject: (error: unknown) => void }[] = [];
  #active = 0;
  #idle: (() => void) | undefined;
  #life = 0;
  #isOpen = false;
  /** The module itself has to begin anew: it finds a token that was away only then. */
  #moduleLost = false;
  #opening: Promise<void> | undefined;
  /** A token locks after a few tries: one is all that it gets. */
  #pinRefused: string | undefined;

  constructor(p: Pkcs11, settings: TokenSettings) {
    this.#p = p;
    this.#settings = settings;
    this.#module = new p.PKCS11();
    try {
      this.#module.load(settings.library);
    } catch {
      throw new TokenError('module', settings.library);
    }
  }

  /** Which life of the sessions it is: handles of an earlier one are void. */
  get life(): number {
    return this.#life;
  }

  /** Runs `work` with a session of its own. @throws TokenError */
  async run<T>(work: (module: pkcs11js.PKCS11, session: Handle) => T | Promise<T>): Promise<T> {
    const life = await this.#opened();
    try {
      return await this.#once(work);
    } catch (error) {
      const reason = reasonOf(error);
      if (!LOST.includes(reason)) throw refusal(error);
      if (this.#life === life) this.#isOpen = false;
      if (!SESSION_LOST.includes(reason)) this.#moduleLost = true;
    }
    await this.#opened();
    return this.#once(work).catch((error: unknown) => {
      throw refusal(error);
    });
  }

  close(): void {
    this.#isOpen = false;
    for (const session of this.#free) attempt(() => this.#module.C_CloseSession(session));
    this.#free = [];
    attempt(() => this.#module.close());
  }

  async #once<T>(work: (module: pkcs11js.PKCS11, session: Handle) => T | Promise<T>): Promise<T> {
    const session =
      this.#free.pop() ??
      (await new Promise<Handle>((resolve, reject) => void this.#waiting.push({ resolve, reject })));
    const life = this.#life;
    this.#active += 1;
    try {
      return await work(this.#module, session);
    } finally {
      this.#active -= 1;
      if (life === this.#life && this.#isOpen) this.#give(session);
      if (this.#active === 0) this.#idle?.();
    }
  }

  #give(session: Handle): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(session);
    else next.resolve(session);
  }

  async #opened(): Promise<number> {
    if (!this.#isOpen) {
      this.#opening ??= this.#open().finally(() => {
        this.#opening = undefined;
      });
      await this.#opening;
    }
    return this.#life;
  }

  async #open(): Promise<void> {
    if (this.#pinRefused !== undefined) throw new TokenError('pin', this.#pinRefused);
    // What is at work in the module must come back first.
    if (this.#active > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    this.#idle = undefined;
    for (const session of this.#free.splice(0)) attempt(() => this.#module.C_CloseSession(session));
    if (this.#moduleLost) attempt(() => this.#module.C_Finalize());
    this.#life += 1;
    try {
      const sessions = this.#connect();
      this.#moduleLost = false;
      this.#isOpen = true;
      for (const session of sessions) this.#give(session);
    } catch (error) {
      const failure = error instanceof TokenError ? error : new TokenError('away', reasonOf(error));
      for (const { reject } of this.#waiting.splice(0)) reject(failure);
      this.#moduleLost = true;
      throw failure;
    }
  }

  #connect(): Handle[] {
    const [p, module] = [this.#p, this.#module];
    tolerate('CKR_CRYPTOKI_ALREADY_INITIALIZED', () => module.C_Initialize({ flags: p.CKF_OS_LOCKING_OK }));
    const slot = this.#slot();
    const flags = p.CKF_SERIAL_SESSION | p.CKF_RW_SESSION;
    const sessions = Array.from({ length: this.#settings.sessions }, () => module.C_OpenSession(slot, flags));
    const [first] = sessions;
    if (first !== undefined) this.#login(first);
    return sessions;
  }

  #slot(): Handle {
    const { tokenLabel } = this.#settings;
    const named = this.#module.C_GetSlotList(true).filter((slot) => {
      const { label } = this.#module.C_GetTokenInfo(slot);
      return label.replace(/[\0 ]+$/, '') === tokenLabel;
    });
    const [slot] = named;
    if (slot === undefined) throw new TokenError('away', `no token ${tokenLabel}`);
    if (named.length > 1) throw new TokenError('label', tokenLabel);
    return slot;
  }

  #login(session: Handle): void {
    try {
      tolerate('CKR_USER_ALREADY_LOGGED_IN', () => {
        this.#module.C_Login(session, this.#p.CKU_USER, this.#settings.pin);
      });
    } catch (error) {
      const reason = reasonOf(error);
      if (!PIN.includes(reason)) throw error;
      this.#pinRefused = reason;
      throw new TokenError('pin', reason);
    }
  }
}

function tolerate(reason: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (reasonOf(error) !== reason) throw error;
  }
}

/** At an end, where nothing is left to do about a failure. */
function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // It is gone already.
  }
}

// SPDX-License-Identifier: Apache-2.0
import { Worker } from 'node:worker_threads';
import { KeyError, TransportError, type TsmError, UsageError } from '../../errors.ts';
import { unreadable } from '../sealing.ts';
import type { TokenAnswer, TokenCall, TokenFailure, TokenSettings } from './token-messages.ts';

/** Making an RSA pair takes a small token a minute. */
const CALL_MS = 120_000;

interface Waiting {
  readonly resolve: (result: readonly Uint8Array[]) => void;
  readonly reject: (error: TsmError) => void;
  readonly overdue: NodeJS.Timeout;
}

/** A token by PKCS#11, in a thread of its own. */
export class Token {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #onPinRefused: () => Promise<unknown>;
  #number = 0;
  #isClosed = false;

  private constructor(onPinRefused: () => Promise<unknown>) {
    this.#onPinRefused = onPinRefused;
    this.#worker = new Worker(new URL('./token-thread.ts', import.meta.url));
    this.#worker.on('message', (answer: TokenAnswer) => void this.#take(answer));
    this.#worker.on('error', () => this.#end());
    this.#worker.on('exit', () => this.#end());
    // Listening holds the process anew.
    this.#worker.unref();
  }

  /**
   * Loads the module; the token is looked for with the first call.
   *
   * @param onPinRefused told before the call that found it fails
   * @throws UsageError `token-module`
   */
  static async open(settings: TokenSettings, onPinRefused: () => Promise<unknown>): Promise<Token> {
    const token = new Token(onPinRefused);
    try {
      await token.call({ act: 'open', settings });
      return token;
    } catch (error) {
      token.close();
      throw error;
    }
  }

  /**
   * @throws TransportError `token-away`; KeyError `token-pin`, `token-refused`, `key-unreadable`; UsageError
   *   `token-label`, `token-key`
   */
  call(call: TokenCall): Promise<readonly Uint8Array[]> {
    if (this.#isClosed) return Promise.reject(away('the thread ended'));
    this.#number += 1;
    const number = this.#number;
    return new Promise((resolve, reject) => {
      const overdue = setTimeout(() => {
        this.#waiting.delete(number);
        reject(away('no answer'));
      }, CALL_MS);
      this.#waiting.set(number, { resolve, reject, overdue });
      this.#worker.postMessage({ number, call });
    });
  }

  close(): void {
    if (this.#isClosed) return;
    void this.call({ act: 'close' }).catch(() => {});
    this.#isClosed = true;
  }

  async #take(answer: TokenAnswer): Promise<void> {
    const waiting = this.#waiting.get(answer.number);
    this.#waiting.delete(answer.number);
    if (waiting === undefined) return;
    clearTimeout(waiting.overdue);
    if ('result' in answer) return waiting.resolve(answer.result);
    if (answer.failure.kind === 'pin') await this.#onPinRefused();
    waiting.reject(errorOf(answer.failure));
  }

  #end(): void {
    this.#isClosed = true;
    for (const { reject, overdue } of this.#waiting.values()) {
      clearTimeout(overdue);
      reject(away('the thread ended'));
    }
    this.#waiting.clear();
  }
}

const away = (reason: string): TransportError =>
  new TransportError('token-away', `The token is away (${reason}): connect it, this KMS then goes on by itself`, {
    reason,
  });

export const pinRefused = (reason: string): KeyError =>
  new KeyError(
    'token-pin',
    `The token refuses its PIN (${reason}), which is not tried again: a token locks. Correct it and start again`,
    { reason },
  );

function errorOf({ kind, reason }: TokenFailure): TsmError {
  switch (kind) {
    case 'away':
      return away(reason);
    case 'pin':
      return pinRefused(reason);
    case 'module':
      return new UsageError(
        'token-module',
        `${reason} does not load: correct /pkcs11/library, or run the set-up again`,
      );
    case 'label':
      return new UsageError(
        'token-label',
        `More than one object or token is called ${reason}: give each its own label`,
      );
    case 'unreadable':
      return unreadable();
    case 'missing':
      return new KeyError('key-unreadable', `The token does not hold what a key file names: ${reason}`, { reason });
    case 'refused':
      return new KeyError('token-refused', `The token refuses this: ${reason}`, { reason });
  }
}

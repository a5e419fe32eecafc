// SPDX-License-Identifier: Apache-2.0
import { type ErrorContext, TransportError } from '../errors.ts';

/** Codes of TransportError that callers tell apart. */
export const TRANSPORT_CODE = {
  NO_READER: 'reader-not-found',
  NO_CARD: 'card-absent',
  REMOVED: 'card-removed',
  LINK_LOST: 'link-lost',
  TIMEOUT: 'card-timeout',
  CLOSED: 'channel-closed',
  UNAVAILABLE: 'link-unavailable',
  IN_USE: 'reader-in-use',
  PROTOCOL: 'link-protocol',
} as const;

export type TransportCode = (typeof TRANSPORT_CODE)[keyof typeof TRANSPORT_CODE];

export function transportError(code: TransportCode, message: string, context: ErrorContext = {}, cause?: unknown) {
  return new TransportError(code, message, context, cause);
}

/** Longest wait for one command that names no time of its own. */
export const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * The outcome of `work`, or a TransportError after `timeoutMs`; `onTimeout` must make the
 * late answer harmless, since nobody waits for it any more.
 */
export async function withTimeout<T>(work: Promise<T>, timeoutMs: number, onTimeout: () => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(transportError(TRANSPORT_CODE.TIMEOUT, 'The card did not answer in time', { timeoutMs }));
      onTimeout();
    }, timeoutMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}

/** Runs one task after the other, whatever the outcome of each. */
export class Turnstile {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const next = this.#last.then(task, task);
    this.#last = next.catch(() => undefined);
    return next;
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { Logger } from 'pino';
import { PeerError, TransportError } from '../errors.ts';
import { mayPass } from '../store/database-errors.ts';

const PAUSE_MS = 500;
const TELL_EVERY_MS = 5_000;
const LIMIT_MS = 60_000;

/**
 * Tries until what a daemon needs at its start is there, and says every five seconds what that is.
 *
 * @throws TransportError `not-there` after a minute, naming it and the last reason; other errors at once
 */
export async function waitFor<T>(logger: Logger, what: string, act: () => Promise<T>, limitMs = LIMIT_MS): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (let told = Number.NEGATIVE_INFINITY; ; ) {
    try {
      return await act();
    } catch (error) {
      if (!mayCome(error)) throw error;
      const reason = (error as Error).message;
      if (performance.now() > deadline) {
        throw new TransportError('not-there', `gave up waiting for ${what}: ${reason}`, { what }, error);
      }
      if (performance.now() - told > TELL_EVERY_MS) {
        told = performance.now();
        logger.warn({ waitingFor: what, reason }, `waiting for ${what}`);
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

const mayCome = (error: unknown): boolean =>
  error instanceof TransportError ||
  mayPass(error) ||
  (error instanceof PeerError && Number(error.context.status) === 503);

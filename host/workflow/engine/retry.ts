// SPDX-License-Identifier: Apache-2.0
import {
  ConflictError,
  PeerError,
  SecureChannelError,
  StatusWordError,
  TransportError,
  TsmError,
  WireError,
  WorkflowError,
} from '../../errors.ts';
import { mayPass } from '../../store/database-errors.ts';

/** When a step that failed is tried again. */

/** The card turned out to be elsewhere than thought; what it holds is recorded now, so start the visit again. */
export class RepeatVisit extends WorkflowError {}

/** Another flow has what this one needs, and is waited for like a card that is away. */
export class Behind extends ConflictError {}

export interface AttemptPolicy {
  /** How long links, peers and cards may be away before the flow gives up. */
  readonly windowMs: number;
  /** Fires when this process stops: the step then hangs, unrecorded, and is resumed elsewhere or later. */
  readonly stopping: AbortSignal;
  /** True when somebody has given the flow up meanwhile: it is not tried again. */
  readonly cancelled?: AbortSignal;
  readonly onRetry?: (error: TsmError, attempt: number) => void;
  /** A step gave up; the error may be one that callers are told nothing about. */
  readonly onFailure?: (error: unknown) => void;
}

/** Refusals by a card or a peer that may be leftovers of a break: worth few tries, not many. */
const DOUBTFUL_TRIES = 3;
const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 3_000;
/** Codes of peers that mean "what you refer to is gone or taken": a new attempt asks for it anew. */
const GONE = [
  ...['card-busy', 'stale-fence', 'reader-unknown', 'no-such-card-session', 'channel-unknown', 'challenge-unknown'],
  ...['gone', 'away', 'lost', 'expired'].map((ending) => `-${ending}`),
];
const isGone = (code: string): boolean =>
  GONE.some((known) => (known.startsWith('-') ? code.endsWith(known) : code === known));

type Retry = 'again' | 'doubtful' | 'never';

export function retryOf(error: unknown): Retry {
  if (error instanceof RepeatVisit) return 'doubtful';
  if (error instanceof TransportError || error instanceof Behind) return 'again';
  if (error instanceof PeerError) return retryOfPeer(error);
  if (error instanceof StatusWordError || error instanceof SecureChannelError || error instanceof WireError)
    return 'doubtful';
  // A database that is away shows itself as an error of its driver.
  return error instanceof TsmError ? 'never' : mayPass(error) ? 'again' : 'never';
}

/** True when a peer says that what the call refers to is gone or taken: asking for it anew may help. */
export function isAway(error: PeerError): boolean {
  return isBusy(error) || isGone(error.code);
}

/** True when a peer says that it cannot answer now: the same call may succeed later. */
export function isBusy(error: PeerError): boolean {
  return [429, 503, 504].includes(Number(error.context.status ?? 0));
}

function retryOfPeer(error: PeerError): Retry {
  const status = Number(error.context.status ?? 0);
  if (error.context.final === true) return 'never';
  if (isAway(error)) return 'again';
  // The KMS may have been handed what a card had garbled.
  if (status === 502 || status === 500 || error.code === 'malformed-bytes') return 'doubtful';
  return 'never';
}

/** Runs `act` until it succeeds, fails for good, or the window is over. @throws what the last try threw */
export async function persist<T>(act: (attempt: number) => Promise<T>, policy: AttemptPolicy): Promise<T> {
  const deadline = performance.now() + policy.windowMs;
  let doubtful = 0;
  for (let attempt = 1; ; attempt++) {
    if (policy.cancelled?.aborted === true) throw cancelled();
    try {
      return await act(attempt);
    } catch (error) {
      if (policy.stopping.aborted) return await never<T>();
      const retry = retryOf(error);
      if (retry === 'doubtful') doubtful += 1;
      if (retry === 'never' || doubtful >= DOUBTFUL_TRIES || performance.now() > deadline) throw error;
      if (error instanceof TsmError) policy.onRetry?.(error, attempt);
      await pause(
        error instanceof RepeatVisit ? 0 : Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1)),
        policy.stopping,
      );
    }
  }
}

export const cancelled = (): WorkflowError =>
  new WorkflowError('cancelled', 'The request was cancelled; a new one goes on from what the card holds');

/** The engine records whatever a step returns or throws; one that is interrupted must do neither. */
export const never = <T>(): Promise<T> => new Promise<T>(() => {});

export async function pause(ms: number, stopping: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (stopping.aborted) return;
    const timer = setTimeout(done, ms);
    function done(): void {
      stopping.removeEventListener('abort', hang);
      resolve();
    }
    function hang(): void {
      clearTimeout(timer);
    }
    stopping.addEventListener('abort', hang, { once: true });
  });
}

// SPDX-License-Identifier: Apache-2.0
import { type ErrorContext, InvariantError, TransportError, TsmError, WireError } from '../../errors.ts';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';

/** What this process and its PC/SC processes say to each other. Both sides are ours and of one version. */

export type Request =
  | { readonly type: 'ping' }
  /** To the watcher: loads the add-on and begins to report. */
  | { readonly type: 'watch' }
  /** To the watcher: does anybody hold the card in this reader? PC/SC reports that only when it is asked anew. */
  | { readonly type: 'inUse'; readonly readerName: string }
  /** To a card process. */
  | { readonly type: 'open'; readonly readerName: string }
  | { readonly type: 'transmit'; readonly command: Uint8Array; readonly timeoutMs?: number }
  /** A whole script, so that its commands do not wait for this process. */
  | { readonly type: 'script'; readonly commands: readonly CardCommand[] }
  | { readonly type: 'reset' }
  | { readonly type: 'close' };

/** Answers by the type of their request. */
export interface Answers {
  readonly ping: undefined;
  readonly watch: undefined;
  readonly inUse: boolean;
  readonly open: undefined;
  readonly transmit: Uint8Array;
  readonly script: ScriptAnswer;
  readonly reset: undefined;
  readonly close: undefined;
}

export interface ScriptAnswer {
  readonly responses: CardResponse[];
  readonly stopped: boolean;
  readonly failure?: Told;
  readonly apdus: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
}

/** What the watcher reports unasked. */
export type Report =
  | { readonly type: 'added'; readonly readerName: string }
  | { readonly type: 'status'; readonly readerName: string; readonly bits: number; readonly atr: Uint8Array }
  | { readonly type: 'removed'; readonly readerName: string };

export interface RequestMessage {
  readonly id: number;
  readonly request: Request;
}

export type AnswerMessage =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly failure: Told }
  | { readonly report: Report };

/** An error between processes. */
export interface Told {
  readonly kind: 'transport' | 'wire' | 'other';
  readonly code: string;
  readonly message: string;
  readonly context: ErrorContext;
}

export function tell(error: unknown): Told {
  if (!(error instanceof TsmError)) return { kind: 'other', code: 'pcsc-process', message: String(error), context: {} };
  const kind = error instanceof TransportError ? 'transport' : error instanceof WireError ? 'wire' : 'other';
  return { kind, code: error.code, message: error.message, context: error.context };
}

export function told({ kind, code, message, context }: Told): TsmError {
  const known = { transport: TransportError, wire: WireError, other: InvariantError };
  return new known[kind](code, message, context);
}

// SPDX-License-Identifier: Apache-2.0
import type { GpCommand } from '../wire/gp/command.ts';
import type { CardCommand, CardResponse } from '../wire/message/card-script.ts';

/**
 * The host's end of a secure channel as a pure state machine: it makes scripts and reads responses, and
 * never touches a card. Calls go `prepare`, `authenticate`, then `unwrap` and `wrap` in turn; those that may need a
 * private key, which may be in a token, are waited for, and nothing else is taken meanwhile.
 * Any wrong byte from the card closes it for good and wipes its keys.
 */
export interface SecureChannel {
  readonly state: SecureChannelState;
  /** Opening script, up to the card's challenge. */
  prepare(): CardCommand[];
  /** Takes the opening script's responses; gives authentication and the wrapped commands, one script. */
  authenticate(responses: readonly CardResponse[], commands: readonly GpCommand[]): Promise<CardCommand[]>;
  /** Wraps further commands, in order, as one script. */
  wrap(commands: readonly GpCommand[]): CardCommand[];
  /** Takes the responses to the last script; gives the plain ones of the plain commands, in order. */
  unwrap(responses: readonly CardResponse[]): Promise<CardResponse[]>;
  /**
   * Enciphers a key for PUT KEY under the session's key encryption key: a multiple of its block.
   *
   * @throws SecureChannelError when there is no session
   */
  encryptSensitive(data: Uint8Array): Uint8Array;
  /** Wipes all keys. Safe to call twice. */
  close(): void;
}

export type SecureChannelState = 'new' | 'prepared' | 'waiting' | 'open' | 'closed';

// SPDX-License-Identifier: Apache-2.0
import { LifeCycleError } from '../../errors.ts';
import type { SecureElementState } from '../../wire/message/secure-elements.ts';

/**
 * The life of a secure element at its issuer: NEW from its batch on, ACTIVE once a provider's domain is on it, BLOCKED
 * by the issuer and back, REPLACED by another one, RETIRED for good.
 */
export const LEGAL_MOVES: Readonly<Record<SecureElementState, readonly SecureElementState[]>> = {
  NEW: ['ACTIVE', 'RETIRED'],
  ACTIVE: ['BLOCKED', 'REPLACED', 'RETIRED'],
  BLOCKED: ['ACTIVE', 'REPLACED', 'RETIRED'],
  REPLACED: ['RETIRED'],
  RETIRED: [],
};

/** @throws LifeCycleError `secure-element-state` for a move that does not exist; to stay is none */
export function requireMove(from: SecureElementState, to: SecureElementState): void {
  if (LEGAL_MOVES[from].includes(to)) return;
  const ways = LEGAL_MOVES[from].length === 0 ? 'nothing else' : `${LEGAL_MOVES[from].join(', ')} only`;
  throw new LifeCycleError('secure-element-state', `A secure element that is ${from} becomes ${ways}, not ${to}`, {
    from,
    to,
  });
}

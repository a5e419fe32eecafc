// SPDX-License-Identifier: Apache-2.0
import type { CardIdentity } from '../../card/identity.ts';
import type { AuthenticationFailures } from '../../store/authentication-failures.ts';
import { cardIdText } from '../../store/card-id.ts';
import type { AuthenticationAttempt } from '../../workflow/engine/secure-channel-slot.ts';
import type { VisitContext } from '../../workflow/engine/unit.ts';

/** An authentication to this domain of this card, counted before it is begun. */
export const attemptAt = (failures: AuthenticationFailures, card: string, ssdAid: string): AuthenticationAttempt => ({
  begin: () => failures.begin(card, ssdAid),
  succeeded: () => failures.succeeded(card, ssdAid),
  withdrawn: () => failures.withdrawn(card, ssdAid),
});

/** The same for the card of a flow: each names it before any authentication. */
export const attemptOfFlow =
  (failures: AuthenticationFailures, ssdAid: string): VisitContext['authentication'] =>
  (facts) =>
    attemptAt(failures, cardIdText((facts as unknown as CardIdentity).cardId), ssdAid);

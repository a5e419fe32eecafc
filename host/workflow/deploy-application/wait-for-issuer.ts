// SPDX-License-Identifier: Apache-2.0
import { PeerError } from '../../errors.ts';
import { closeCardRelay, openCardRelay } from '../../store/provider/card-relays.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { ApplicationRequestState } from '../../wire/message/platform.ts';
import { retryOf } from '../engine/retry.ts';
import type { DeployContext } from './context.ts';

const WAIT_MS = 10_000;

type Context = Pick<DeployContext, 'installer' | 'copySteps' | 'card' | 'workflowId' | 'settings' | 'database'>;

/** Holds a relay open for the issuer while `act` asks it for something on this card. */
export async function withRelay<T>(
  { cardId, insertion }: { readonly cardId: CardId; readonly insertion: string },
  { card, workflowId, settings, database }: Context,
  act: () => Promise<T>,
): Promise<T> {
  card.expectCard({ cardId, insertion });
  const { terminalId, readerName } = card;
  const relay = { relayId: workflowId, issuerId: settings.issuerId, terminalId, readerName, cardId, insertion };
  await openCardRelay(database, relay);
  try {
    const result = await act();
    await closeCardRelay(database, workflowId);
    return result;
  } catch (error) {
    // An issuer that was away goes on by itself when it is back, and needs the relay before we ask again.
    if (retryOf(error) === 'never') await closeCardRelay(database, workflowId);
    throw error;
  }
}

/** Follows a request to its end. @throws PeerError with the issuer's own code and numeral when it failed */
export async function waitForIssuer(first: ApplicationRequestState, context: Context): Promise<void> {
  let state = first;
  while (state.state === 'running') {
    await context.copySteps(state.steps);
    const wait = { waitMs: WAIT_MS, afterStep: state.steps.length };
    state = await context.installer.applicationRequest(state.requestId, wait);
  }
  await context.copySteps(state.steps);
  if (state.state === 'done') return;
  const code = state.problem?.type.replace(/^urn:opentsm:problem:/, '') ?? 'issuer-failed';
  const { detail, status, numeral, untouched } = state.problem ?? {};
  const failure = {
    status: status ?? 502,
    final: true,
    numeral: numeral ?? 'D2',
    ...(untouched === undefined ? {} : { untouched }),
  };
  throw new PeerError(code, `The issuer stopped: ${detail ?? 'no detail'}`, failure);
}

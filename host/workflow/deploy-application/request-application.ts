// SPDX-License-Identifier: Apache-2.0
import { randomBytes, randomUUID } from 'node:crypto';
import type { CardIdentity } from '../../card/identity.ts';
import { ConflictError, PeerError } from '../../errors.ts';
import { closeCardRelay, openCardRelay } from '../../store/provider/card-relays.ts';
import { findSecurityDomainRow } from '../../store/provider/security-domains.ts';
import { provideInstance } from '../../store/provider/service-instances.ts';
import { toHex } from '../../wire/hex.ts';
import type { ApplicationRequestState } from '../../wire/message/platform.ts';
import { PURSE_ALGORITHM } from '../../wire/purse/values.ts';
import { retryOf } from '../engine/retry.ts';
import type { DeployContext, DeployStart, Named } from './context.ts';

const WAIT_MS = 10_000;

/** Serial of a new purse: eight bytes, random but for the first, so that no two are alike and none begins with 00. */
const newSerial = (): string => `41${toHex(randomBytes(7))}`;

/**
 * D2: names the purse, and asks the issuer to load and install it into the provider's domain, holding a relay open.
 *
 * @throws ConflictError `security-domain-unfinished` before 60 of the key distribution
 */
export async function requestApplication(
  facts: DeployStart & CardIdentity & { readonly insertion: string },
  context: DeployContext,
): Promise<Named> {
  const { card, workflowId, settings, product, database, installer } = context;
  const { cardId, insertion } = facts;
  if ((await findSecurityDomainRow(database, cardId))?.state !== 'certified') {
    throw new ConflictError(
      'security-domain-unfinished',
      'The domain on this card is not ours yet: distribute its keys first',
    );
  }
  const instance = await provideInstance(database, {
    ...{ productId: product.productId, cardId, instanceId: randomUUID(), serial: newSerial() },
  });
  card.expectCard(facts);
  const { terminalId, readerName } = card;
  const relay = { relayId: workflowId, issuerId: settings.issuerId, terminalId, readerName, cardId, insertion };
  await openCardRelay(database, relay);
  try {
    const first = await installer.requestApplication(workflowId, {
      ...{ cardId, productId: product.productId, ssdAid: settings.ssdAid, relayId: workflowId },
      ...{ loadFileAid: product.loadFileAid, loadFile: product.loadFile, moduleAid: product.moduleAid },
      instanceAid: product.instanceAid,
      parameters: toHex(Uint8Array.of(0x80, 0x01, PURSE_ALGORITHM[product.algorithm])),
    });
    await waitForIssuer(first, context);
    await closeCardRelay(database, workflowId);
    return { instance };
  } catch (error) {
    // An issuer that was away goes on by itself when it is back, and needs the relay before we ask again.
    if (retryOf(error) === 'never') await closeCardRelay(database, workflowId);
    throw error;
  }
}

async function waitForIssuer(first: ApplicationRequestState, context: DeployContext): Promise<void> {
  let state = first;
  while (state.state === 'running') {
    await context.copySteps(state.steps);
    const wait = { waitMs: WAIT_MS, afterStep: state.steps.length };
    state = await context.installer.applicationRequest(state.requestId, wait);
  }
  await context.copySteps(state.steps);
  if (state.state === 'done') return;
  const code = state.problem?.type.replace(/^urn:opentsm:problem:/, '') ?? 'issuer-failed';
  const { detail, status, numeral } = state.problem ?? {};
  const failure = { status: status ?? 502, final: true, numeral: numeral ?? 'D2' };
  throw new PeerError(code, `The issuer stopped: ${detail ?? 'no detail'}`, failure);
}

// SPDX-License-Identifier: Apache-2.0
import type { CardIdentity } from '../../card/identity.ts';
import { LifeCycleError, PeerError, PolicyError } from '../../errors.ts';
import { closeCardRelay, openCardRelay } from '../../store/provider/card-relays.ts';
import { findSecurityDomainRow } from '../../store/provider/security-domains.ts';
import type {
  SecurityDomainReport,
  SecurityDomainRequest,
  SecurityDomainRequestState,
} from '../../wire/message/key-distribution.ts';
import { retryOf } from '../engine/retry.ts';
import type { Probe } from './41a-probe-security-domain.ts';
import type { Decision } from './41c-find-security-domain.ts';
import type { ProviderContext, ProviderStart } from './provider-context.ts';

/** How long one question for the issuer's state may take; it is answered at the end, or at new rows for who watches. */
const WAIT_MS = 10_000;

export interface Reported {
  readonly report: SecurityDomainReport;
}

/**
 * Step 42: asks the issuer for an SSD on this card and waits for 52, holding a relay to the card open for it.
 * The workflow's id is the idempotency key, so asking again after a break is the same request.
 *
 * @throws PeerError with numeral 43 or 44 when the issuer refuses: nothing was touched on the card
 */
export async function requestSecurityDomain(
  facts: ProviderStart & CardIdentity & Probe & Decision & { readonly insertion: string },
  context: ProviderContext,
): Promise<Reported> {
  if (!facts.askIssuer) return { report: await knownReport(facts, context) };
  const { card, workflowId, settings, issuer } = context;
  const { terminalId, readerName } = card;
  const request: SecurityDomainRequest = {
    providerId: settings.providerId,
    cardId: facts.cardId,
    ssdAid: settings.ssdAid,
    keySizeBits: facts.keySizeBits,
    applicationProviderId: settings.applicationProviderId,
    trustPoint: settings.trustPoint,
    relayId: workflowId,
  };
  await requireCertifiable(facts, request, context);
  card.expectCard(facts);
  await openCardRelay(context.database, {
    relayId: workflowId,
    issuerId: settings.issuerId,
    terminalId,
    readerName,
    cardId: facts.cardId,
    insertion: facts.insertion,
  });
  try {
    const state = await issuer.requestSecurityDomain(workflowId, request, waitFor(0, context));
    const report = await waitForReport(state, context);
    // The lease of the issuer's last exchange is ours: the provider goes on with it.
    await closeCardRelay(context.database, workflowId);
    return { report };
  } catch (error) {
    // An issuer that was away goes on by itself when it is back, and needs the relay before we ask again.
    if (retryOf(error) === 'never') await closeCardRelay(context.database, workflowId);
    throw error;
  }
}

/** The card holds the SSD of our database already: nothing is asked. */
async function knownReport({ cardId }: CardIdentity, { database }: ProviderContext): Promise<SecurityDomainReport> {
  const row = await findSecurityDomainRow(database, cardId);
  if (row === undefined) {
    throw new LifeCycleError('security-domain-gone', 'The SSD was forgotten meanwhile: start a new distribution');
  }
  const { ssdAid, isdAid, keyReference, publicKey } = row;
  return { ssdAid, isdAid, keyReference, publicKey };
}

/**
 * On a card without CASD the CA may refuse at 58, and the SSD would stay owned and uncertified: so it is asked first.
 * The issuer's own reason goes before ours: a card of somebody else has no CASD that we know either.
 *
 * @throws PeerError with numeral 43 or 44 when the issuer would refuse anyway
 * @throws PolicyError `attestation-required`: nothing was touched on the card
 */
async function requireCertifiable(
  { casdCertificate }: Probe,
  request: SecurityDomainRequest,
  { kms, issuer, workflowId }: ProviderContext,
): Promise<void> {
  if (casdCertificate !== undefined || (await kms.certificateAuthority()).certifiesWithoutAttestation) return;
  await issuer.requestSecurityDomain(workflowId, { ...request, admissionOnly: true });
  throw new PolicyError(
    'attestation-required',
    'The card shows no CASD, and our CA certifies no key without an attestation (allowWithoutAttestation of its KMS)',
  );
}

async function waitForReport(
  first: SecurityDomainRequestState,
  context: ProviderContext,
): Promise<SecurityDomainReport> {
  let state = first;
  for (;;) {
    await context.copySteps(state.steps);
    if (state.state === 'done' && state.report !== undefined) return state.report;
    if (state.state === 'failed') throw refusalOf(state);
    state = await context.issuer.securityDomainRequest(state.requestId, waitFor(state.steps.length, context));
  }
}

/** Who watches is told of every row, everybody else of the end. */
const waitFor = (afterStep: number, { isWatched }: ProviderContext) =>
  isWatched?.() === false ? { waitMs: WAIT_MS } : { waitMs: WAIT_MS, afterStep };

function refusalOf({ problem }: SecurityDomainRequestState): PeerError {
  const code = problem?.type.replace(/^urn:opentsm:problem:/, '') ?? 'issuer-failed';
  const { detail, status, numeral } = problem ?? {};
  // The issuer has ended this request: asking again gives the same answer.
  const context = { status: status ?? 502, final: true, numeral: numeral ?? '42' };
  return new PeerError(code, `The issuer stopped: ${detail ?? 'no detail'}`, context);
}

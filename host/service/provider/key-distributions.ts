// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import type { Kysely, Transaction } from 'kysely';
import type { CardIdentity } from '../../card/identity.ts';
import { NotFoundError, TransportError } from '../../errors.ts';
import type { AuthenticationFailures } from '../../store/authentication-failures.ts';
import { cardIdText } from '../../store/card-id.ts';
import { writeOnly } from '../../store/pipelined-driver.ts';
import { closingCardRelay } from '../../store/provider/card-relays.ts';
import {
  addKeyDistribution,
  claimCard,
  findKeyDistributionWithSteps,
  finishingKeyDistribution,
  type KeyDistributionResult,
  listLostKeyDistributions,
} from '../../store/provider/key-distributions.ts';
import type { ProviderTables } from '../../store/provider/schema.ts';
import { findSecurityDomainRow } from '../../store/provider/security-domains.ts';
import { claimIdempotencyKey, type RequestTables } from '../../store/request-log.ts';
import type { KeySizeBits } from '../../wire/gp/generate-key-pair.ts';
import { encodePublicKeyParts, fromRsaPublicKey } from '../../wire/gp/public-key.ts';
import type { CardId } from '../../wire/message/common.ts';
import type {
  KeyDistributionState,
  SecurityDomainRow,
  StartKeyDistribution,
  StepRecord,
} from '../../wire/message/key-distribution.ts';
import type { Also, DurableRun, Workflow } from '../../workflow/engine/execution.ts';
import type { FlowJournal } from '../../workflow/engine/flow-journal.ts';
import { type FlowEnd, failureOf } from '../../workflow/engine/run.ts';
import { SecureChannelSlot } from '../../workflow/engine/secure-channel-slot.ts';
import type { AlreadyPresent, Decision } from '../../workflow/key-distribution/41c-find-security-domain.ts';
import type { Trusted } from '../../workflow/key-distribution/54a-attest-security-domain.ts';
import type {
  IdentifiedCardLink,
  ProviderContext,
  ProviderSettings,
  ProviderStart,
} from '../../workflow/key-distribution/provider-context.ts';
import { providerSteps } from '../../workflow/key-distribution.ts';
import type { IssuerPlatform, Kms } from '../../workflow/ports.ts';
import type { CardLinks } from '../card-links.ts';
import type { DurableFlow } from '../durable-flow.ts';
import { isRefusal, problemOfFailure } from '../problem-of-failure.ts';
import { attemptOfFlow } from './authentication-attempt.ts';

/** Application management: brings the provider's SSD onto cards, steps 41 to 60. */

export const KEY_DISTRIBUTION = 'key-distribution';
/** RSA size of the SSD's pairs where the request names none. */
const DEFAULT_KEY_SIZE_BITS = 2048;

/** Rows of a flow at most: who waits for more than that waits for its end. */
const MAX_ROWS = 64;
/** Whoever follows rows asks again sooner. */
const WATCHED_MS = 15_000;

export interface KeyDistributionsOptions {
  readonly database: Kysely<ProviderTables>;
  readonly kms: Kms;
  readonly issuer: IssuerPlatform;
  readonly links: CardLinks;
  readonly failures: AuthenticationFailures;
  readonly settings: ProviderSettings;
  readonly flow: DurableFlow<ProviderTables>;
}

export class KeyDistributions implements Workflow {
  readonly #options: KeyDistributionsOptions;
  /** When somebody last asked for the rows of a flow that is at work here. */
  readonly #watched = new Map<string, number>();

  constructor(options: KeyDistributionsOptions) {
    this.#options = options;
  }

  /**
   * Starts the flow; the same key and request give the same flow.
   *
   * @param onlyCard absent: whichever card is in the reader
   * @throws ConflictError `idempotency-key-reused`
   */
  async start(
    id: string,
    caller: string,
    request: StartKeyDistribution,
    onlyCard?: CardId,
  ): Promise<KeyDistributionState> {
    const { database } = this.#options;
    const { terminalId, readerName, keySizeBits = DEFAULT_KEY_SIZE_BITS } = request;
    const only = onlyCard === undefined ? {} : { onlyCard };
    const input: ProviderStart = { terminalId, readerName, keySizeBits, ...only };
    const go = await database.transaction().execute(async (transaction) => {
      await claimIdempotencyKey(transaction as unknown as Kysely<RequestTables>, { key: id, caller, body: request });
      const added = await addKeyDistribution(transaction, { id, ...input });
      return added ? this.#begin(transaction, id, input) : undefined;
    });
    if (go === undefined) return this.#read(id);
    go();
    return stateOf({ id, state: 'running', steps: [] });
  }

  #begin(transaction: Transaction<ProviderTables>, id: string, input: ProviderStart): Promise<() => void> {
    const { flow, settings } = this.#options;
    const workflow = { id, kind: KEY_DISTRIBUTION, fairKey: settings.providerId, input };
    return flow.engine.add(transaction as unknown as Transaction<unknown>, workflow);
  }

  /** Waits until there are more rows than `afterStep`, the flow has ended, or the time is over. */
  async state(
    id: string,
    wait: { readonly waitMs: number; readonly afterStep: number },
  ): Promise<KeyDistributionState> {
    const { waitMs, afterStep } = wait;
    if (afterStep < MAX_ROWS && this.#options.flow.live(id) !== undefined) this.#watched.set(id, performance.now());
    const done = (state: KeyDistributionState) => state.state !== 'running' || state.steps.length > afterStep;
    return this.#options.flow.wait(id, () => this.#read(id), { waitMs, done });
  }

  async #read(id: string): Promise<KeyDistributionState> {
    const live = this.#options.flow.live(id);
    if (live !== undefined) {
      const { cardId } = live.facts as { readonly cardId?: CardId };
      return stateOf({ id, state: 'running', steps: live.steps, ...(cardId === undefined ? {} : { cardId }) });
    }
    const row = await findKeyDistributionWithSteps(this.#options.database, id);
    if (row === undefined)
      throw new NotFoundError('no-such-key-distribution', 'There is no key distribution of this id');
    return stateOf(row);
  }

  /** The workflow's body: only what stands in durable steps has effects. */
  async run(input: unknown, run: DurableRun): Promise<Also> {
    // The engine hands back what `start` gave it.
    const { also } = await this.#run(input as ProviderStart, run);
    return also;
  }

  /** Does the steps as a part of another flow, whose run records them. @returns how they ended */
  async within(start: ProviderStart, run: DurableRun): Promise<KeyDistributionResult> {
    const { also, result } = await this.#run(start, run);
    await this.#options.database
      .transaction()
      .execute((transaction) => also(transaction as unknown as Transaction<unknown>));
    return result;
  }

  async #run(start: ProviderStart, run: DurableRun): Promise<{ also: Also; result: KeyDistributionResult }> {
    const { links, flow } = this.#options;
    let ended: KeyDistributionResult = {};
    const also = await flow.run({
      flow: providerSteps,
      start,
      run,
      context: (journal) => this.#context(run, start, journal),
      end: async (end) => {
        this.#watched.delete(run.workflowId);
        const { state, result } = await this.#resultOf(end);
        ended = result;
        await links.release(run.workflowId);
        await this.#options.kms.endFlow(run.workflowId).catch(() => {});
        return finishing(run.workflowId, state, result);
      },
      outcome: (end) => (isAlreadyPresent(end) ? 'already-present' : 'distributed'),
    });
    return { also, result: ended };
  }

  broken(id: string): Also {
    return finishing(id, 'failed', { problem: problemOfFailure(failureOf(undefined)) });
  }

  /** Begins flows again that say they run although nothing works on them. Returns how many. */
  async beginLost(): Promise<number> {
    const { database, flow } = this.#options;
    const lost = await listLostKeyDistributions(database);
    for (const { id, terminalId, readerName, keySizeBits, onlyCard } of lost) {
      const go = await database.transaction().execute(async (transaction) => {
        const again = await flow.engine.retry(transaction as unknown as Transaction<unknown>, id);
        const only = onlyCard === undefined ? {} : { onlyCard };
        // The size was checked when the flow was asked for.
        const input = { terminalId, readerName, keySizeBits: keySizeBits as KeySizeBits, ...only };
        return again ? undefined : this.#begin(transaction, id, input);
      });
      go?.();
    }
    return lost.length;
  }

  #context({ workflowId, engineId, tries, cancelled }: DurableRun, start: ProviderStart, journal: FlowJournal) {
    const { database, flow, kms, links, failures, settings } = this.#options;
    const card = links.of(workflowId, start);
    const context: ProviderContext = {
      workflowId,
      database,
      kms,
      settings,
      journal,
      card,
      turns: {
        take: async (cardId) => {
          await requireOnlyCard(start, cardId, card);
          return claimCard(database, { id: workflowId, workflowId: engineId, cardId });
        },
        wait: (other) => flow.waitForEnd(other, cancelled),
      },
      issuer: issuerAtTry(this.#options.issuer, tries),
      auditLog: journal,
      channel: new SecureChannelSlot(kms),
      report: async (step) => journal.report(step),
      copySteps: async (steps) => journal.copy(steps),
      isWatched: () => performance.now() - (this.#watched.get(workflowId) ?? Number.NEGATIVE_INFINITY) < WATCHED_MS,
      cardName: (facts) => {
        const { cardId } = facts as Partial<CardIdentity>;
        return cardId === undefined ? undefined : cardIdText(cardId);
      },
      authentication: attemptOfFlow(failures, settings.ssdAid),
    };
    return context;
  }

  async #resultOf(end: FlowEnd): Promise<{ state: 'done' | 'failed'; result: KeyDistributionResult }> {
    if (end.end === 'failed') {
      const { failure } = end;
      const problem = problemOfFailure(failure);
      if (!isRefusal(failure)) return { state: 'failed', result: { problem } };
      const refusedAt = failure.numeral ?? '42';
      return { state: 'done', result: { outcome: 'refused', refusedAt: refusedAt.slice(0, 8), problem } };
    }
    if (end.end === 'stopped') {
      // The only row that stops the flow is 41c, and it does so on an attestation.
      const { foundBy, row } = end.result as AlreadyPresent;
      const result = { outcome: 'already-present', foundBy, isolation: 'attested', ...ssdOf(row) } as const;
      return { state: 'done', result };
    }
    const facts = end.facts as unknown as CardIdentity & Decision & Trusted;
    const row = await findSecurityDomainRow(this.#options.database, facts.cardId);
    const { isolation, foundBy } = facts;
    const done = { isolation, ...ssdOf(row) };
    if (foundBy === undefined) return { state: 'done', result: { outcome: 'distributed', ...done } };
    return { state: 'done', result: { outcome: 'already-present', foundBy, ...done } };
  }
}

/** Before the card's turn is taken: a phone that says its card is another one must not hold up that one's flow. */
async function requireOnlyCard({ onlyCard, readerName }: ProviderStart, cardId: CardId, link: IdentifiedCardLink) {
  if (onlyCard === undefined || cardIdText(onlyCard) === cardIdText(cardId)) return;
  await link.rest();
  throw new TransportError('other-card', `Another card is in ${readerName}: put the first one back`, {
    expected: onlyCard.value,
    got: cardId.value,
  });
}

/** 41c stopped the flow, or 54 found that there was nothing left to do. */
const isAlreadyPresent = (end: FlowEnd): boolean =>
  end.end === 'stopped' || (end.end === 'done' && end.facts.foundBy !== undefined);

/** The end of a flow in our tables. A flow that gave up while its issuer was away left the way to the card open. */
const finishing =
  (id: string, state: 'done' | 'failed', result: KeyDistributionResult): Also =>
  async (transaction) => {
    const own = transaction as unknown as Transaction<ProviderTables>;
    await writeOnly(own, [finishingKeyDistribution(own, id, state, result), closingCardRelay(own, id)]);
  };

/** The issuer answers a request that has ended with its end: a flow that is tried again asks under a new key. */
function issuerAtTry(issuer: IssuerPlatform, tries: number): IssuerPlatform {
  if (tries === 1) return issuer;
  return {
    requestSecurityDomain: (key, ...question) => issuer.requestSecurityDomain(`${key}.${tries}`, ...question),
    securityDomainRequest: (...question) => issuer.securityDomainRequest(...question),
  };
}

function stateOf(row: {
  readonly id: string;
  readonly state: KeyDistributionState['state'];
  readonly steps: readonly StepRecord[];
  readonly cardId?: CardId;
  readonly result?: KeyDistributionResult;
}): KeyDistributionState {
  const { id, state, steps, cardId, result } = row;
  const sum = (key: 'roundTrips' | 'apdus' | 'bytesOut' | 'bytesIn' | 'ms') =>
    steps.filter(({ apdus }) => apdus > 0).reduce((total, step) => total + step[key], 0);
  return {
    id,
    state,
    ...result,
    ...(cardId === undefined ? {} : { cardId }),
    steps: [...steps],
    cost: {
      roundTrips: sum('roundTrips'),
      apdus: sum('apdus'),
      bytesOut: sum('bytesOut'),
      bytesIn: sum('bytesIn'),
      ms: sum('ms'),
    },
  };
}

/** `publicKeySha256` is over `81 L N ‖ 82 L e`, as in attestations. */
function ssdOf(row: SecurityDomainRow | undefined): Pick<KeyDistributionResult, 'ssd'> {
  if (row?.certificate === undefined) return {};
  const { ssdAid: aid, publicKey, certificate } = row;
  const parts = encodePublicKeyParts(fromRsaPublicKey(publicKey));
  const publicKeySha256 = createHash('sha256').update(parts).digest('hex').toUpperCase();
  return { ssd: { aid, keySizeBits: publicKey.modulus.length * 4, publicKeySha256, certificate } };
}

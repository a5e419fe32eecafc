import { createHash } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { CardIdentity } from '../../card/identity.ts';
import { InvariantError, NotFoundError } from '../../errors.ts';
import type { AuditLog } from '../../store/audit-log.ts';
import type { AuthenticationFailures } from '../../store/authentication-failures.ts';
import { cardIdText } from '../../store/card-id.ts';
import { closeCardRelay } from '../../store/provider/card-relays.ts';
import {
  addKeyDistribution,
  findKeyDistribution,
  finishKeyDistribution,
  type KeyDistributionResult,
} from '../../store/provider/key-distributions.ts';
import type { ProviderTables } from '../../store/provider/schema.ts';
import { findSecurityDomainRow } from '../../store/provider/security-domains.ts';
import { claimIdempotencyKey } from '../../store/request-log.ts';
import type { StepLog } from '../../store/step-log.ts';
import { encodePublicKeyParts, fromRsaPublicKey } from '../../wire/gp/public-key.ts';
import type {
  KeyDistributionState,
  SecurityDomainRow,
  StartKeyDistribution,
} from '../../wire/message/key-distribution.ts';
import type { DurableRun, Engine } from '../../workflow/engine/durable.ts';
import type { AttemptPolicy } from '../../workflow/engine/retry.ts';
import { type FlowEnd, runFlow } from '../../workflow/engine/run.ts';
import { SecureChannelSlot } from '../../workflow/engine/secure-channel-slot.ts';
import type { AlreadyPresent, Decision } from '../../workflow/key-distribution/41c-find-security-domain.ts';
import type { Trusted } from '../../workflow/key-distribution/54a-attest-security-domain.ts';
import type {
  ProviderContext,
  ProviderSettings,
  ProviderStart,
} from '../../workflow/key-distribution/provider-context.ts';
import { providerSteps } from '../../workflow/key-distribution.ts';
import type { IssuerPlatform, Kms } from '../../workflow/ports.ts';
import { isRefusal, problemOfFailure } from '../problem-of-failure.ts';
import { waitUntil } from '../wait-until.ts';
import type { CardLinks } from './card-links.ts';

/** Application management: brings the provider's SSD onto cards, steps 41 to 60. */

export const KEY_DISTRIBUTION = 'key-distribution';
/** RSA size of the SSD's pairs where the request names none. */
const DEFAULT_KEY_SIZE_BITS = 2048;

export interface KeyDistributionsOptions {
  readonly database: Kysely<ProviderTables>;
  readonly kms: Kms;
  readonly issuer: IssuerPlatform;
  readonly links: CardLinks;
  readonly auditLog: AuditLog;
  readonly stepLog: StepLog;
  readonly failures: AuthenticationFailures;
  readonly settings: ProviderSettings;
  readonly windowMs: number;
  readonly watch: Pick<AttemptPolicy, 'onRetry' | 'onFailure'>;
}

export class KeyDistributions {
  readonly #options: KeyDistributionsOptions;
  #engine: Engine | undefined;

  constructor(options: KeyDistributionsOptions) {
    this.#options = options;
  }

  /** The engine needs the bodies before it starts, and the service the engine after. */
  attach(engine: Engine): void {
    this.#engine = engine;
  }

  get #started(): Engine {
    if (this.#engine === undefined) throw new InvariantError('engine-absent', 'The durable engine is not attached');
    return this.#engine;
  }

  /**
   * Starts the flow; the same key and request give the same flow.
   *
   * @throws ConflictError `idempotency-key-reused`
   */
  async start(id: string, caller: string, request: StartKeyDistribution): Promise<KeyDistributionState> {
    const { database } = this.#options;
    await claimIdempotencyKey(database, { key: id, caller, body: request });
    const { terminalId, readerName, keySizeBits = DEFAULT_KEY_SIZE_BITS } = request;
    const input: ProviderStart = { terminalId, readerName, keySizeBits };
    await addKeyDistribution(database, { id, ...input });
    await this.#started.start(KEY_DISTRIBUTION, id, input);
    return this.state(id, { waitMs: 0, afterStep: 0 });
  }

  /** Waits until there are more rows than `afterStep`, the flow has ended, or the time is over. */
  async state(
    id: string,
    wait: { readonly waitMs: number; readonly afterStep: number },
  ): Promise<KeyDistributionState> {
    const read = () => this.#read(id);
    const news = (state: KeyDistributionState) => state.state !== 'running' || state.steps.length > wait.afterStep;
    return waitUntil(read, news, { waitMs: wait.waitMs, signal: this.#started.stopping });
  }

  async #read(id: string): Promise<KeyDistributionState> {
    const row = await findKeyDistribution(this.#options.database, id);
    if (row === undefined)
      throw new NotFoundError('no-such-key-distribution', 'There is no key distribution of this id');
    const steps = await this.#options.stepLog.list(id);
    const sum = (key: 'roundTrips' | 'apdus' | 'bytesOut' | 'bytesIn' | 'ms') =>
      steps.filter(({ apdus }) => apdus > 0).reduce((total, step) => total + step[key], 0);
    const cost = {
      roundTrips: sum('roundTrips'),
      apdus: sum('apdus'),
      bytesOut: sum('bytesOut'),
      bytesIn: sum('bytesIn'),
      ms: sum('ms'),
    };
    return {
      id,
      state: row.state,
      ...row.result,
      ...(row.cardId === undefined ? {} : { cardId: row.cardId }),
      steps,
      cost,
    };
  }

  /** The workflow's body: only what stands in durable steps has effects. */
  readonly body = async (input: unknown, run: DurableRun): Promise<unknown> => {
    // The engine hands back what `start` gave it.
    const start = input as ProviderStart;
    const { links, windowMs, watch } = this.#options;
    const policy = { windowMs, stopping: this.#started.stopping, ...watch };
    const context = this.#context(run.workflowId, start);
    const end = await runFlow(providerSteps, start, run, context, policy);
    const outcome = await run.step('finish', () => this.#finish(run.workflowId, end));
    await context.channel.close();
    await links.release(run.workflowId);
    return outcome;
  };

  #context(workflowId: string, start: ProviderStart): ProviderContext {
    const { database, kms, issuer, links, auditLog, stepLog, failures, settings } = this.#options;
    return {
      ...{ workflowId, database, kms, issuer, auditLog, settings },
      card: links.of(workflowId, start),
      channel: new SecureChannelSlot(kms),
      report: (step) => stepLog.add(workflowId, step),
      copySteps: async (steps) => {
        for (const step of steps) await stepLog.copy(workflowId, step);
      },
      authentication: (facts) => {
        // 41 has named the card before any authentication.
        const card = cardIdText((facts as unknown as CardIdentity).cardId);
        const { ssdAid } = settings;
        return {
          begin: () => failures.begin(card, ssdAid),
          succeeded: () => failures.succeeded(card, ssdAid),
          withdrawn: () => failures.withdrawn(card, ssdAid),
        };
      },
    };
  }

  async #finish(id: string, end: FlowEnd): Promise<string> {
    const { state, result } = await this.#resultOf(end);
    await finishKeyDistribution(this.#options.database, id, state, result);
    // A flow that gave up while its issuer was away left the way to the card open.
    await closeCardRelay(this.#options.database, id);
    return result.outcome ?? 'failed';
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

/** `publicKeySha256` is over `81 L N ‖ 82 L e`, as in attestations. */
function ssdOf(row: SecurityDomainRow | undefined): Pick<KeyDistributionResult, 'ssd'> {
  if (row?.certificate === undefined) return {};
  const { ssdAid: aid, publicKey, certificate } = row;
  const parts = encodePublicKeyParts(fromRsaPublicKey(publicKey));
  const publicKeySha256 = createHash('sha256').update(parts).digest('hex').toUpperCase();
  return { ssd: { aid, keySizeBits: publicKey.modulus.length * 4, publicKeySha256, certificate } };
}

import type { Kysely } from 'kysely';
import { InvariantError, NotFoundError } from '../../errors.ts';
import type { AuditLog } from '../../store/audit-log.ts';
import type { AuthenticationFailures } from '../../store/authentication-failures.ts';
import { cardIdText } from '../../store/card-id.ts';
import { listApplications } from '../../store/issuer/applications.ts';
import type { Card } from '../../store/issuer/cards.ts';
import type { IssuerTables } from '../../store/issuer/schema.ts';
import { addRequest, findRequest, finishRequest } from '../../store/issuer/security-domain-requests.ts';
import { claimIdempotencyKey } from '../../store/request-log.ts';
import type { StepLog } from '../../store/step-log.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { SecurityDomainRequest, SecurityDomainRequestState } from '../../wire/message/key-distribution.ts';
import type { DurableRun, Engine } from '../../workflow/engine/durable.ts';
import { type AttemptPolicy, cancelled } from '../../workflow/engine/retry.ts';
import { admit, failureOf, runFlow } from '../../workflow/engine/run.ts';
import { SecureChannelSlot } from '../../workflow/engine/secure-channel-slot.ts';
import type { IssuerContext, IssuerSettings, IssuerStart } from '../../workflow/key-distribution/issuer-context.ts';
import { issuerSteps } from '../../workflow/key-distribution.ts';
import type { CardRelays, Kms } from '../../workflow/ports.ts';
import { problemOfFailure } from '../problem-of-failure.ts';
import { waitUntil } from '../wait-until.ts';
import { RelayLink } from './relay-link.ts';

/** Application management: makes security domains for providers, steps 43 to 52. */

export const CREATE_SECURITY_DOMAIN = 'create-security-domain';

export interface ApplicationsOptions {
  readonly database: Kysely<IssuerTables>;
  readonly kms: Kms;
  /** The relays of this provider, at the address of the issuer's own registry. */
  readonly relaysOf: (providerId: string, baseUrl: string) => CardRelays;
  readonly auditLog: AuditLog;
  readonly stepLog: StepLog;
  readonly failures: AuthenticationFailures;
  readonly settings: IssuerSettings;
  /** Steps 43 to 52; default `issuerSteps`. */
  readonly steps?: typeof issuerSteps;
  readonly windowMs: number;
  readonly watch: Pick<AttemptPolicy, 'onRetry' | 'onFailure'>;
}

/** The request with what 43 and 44 found. */
type Admitted = IssuerStart & { readonly relayBaseUrl: string; readonly card: Card };

export class Applications {
  readonly #options: ApplicationsOptions;
  #engine: Engine | undefined;

  constructor(options: ApplicationsOptions) {
    this.#options = options;
  }

  get #steps(): typeof issuerSteps {
    return this.#options.steps ?? issuerSteps;
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
   * Takes a request of step 42: checks 43 and 44 at once and starts the rest, unless only these two are asked.
   *
   * @throws PolicyError at 43, NotFoundError at 44, ConflictError `idempotency-key-reused`
   */
  async request(id: string, caller: string, request: SecurityDomainRequest): Promise<SecurityDomainRequestState> {
    const { database } = this.#options;
    await claimIdempotencyKey(database, { key: id, caller, body: request });
    if (request.admissionOnly === true) {
      const start: IssuerStart = { request, caller };
      await admit(this.#steps, start, this.#context(id, start, noCard));
      return { requestId: id, state: 'done', steps: [] };
    }
    // A row without workflow is a request whose node died in between.
    if ((await findRequest(database, id)) === undefined || (await this.#started.status(id)) === undefined) {
      const start: IssuerStart = { request, caller };
      const facts = await admit(this.#steps, start, this.#context(id, start, noCard));
      await addRequest(database, id, caller);
      await this.#started.start(CREATE_SECURITY_DOMAIN, id, facts);
    }
    return this.state(id, caller, 0);
  }

  /** Waits until the request has ended or the time is over. @throws NotFoundError for another provider's too */
  async state(id: string, caller: string, waitMs: number): Promise<SecurityDomainRequestState> {
    const { database, stepLog } = this.#options;
    const read = async () => {
      const row = await findRequest(database, id);
      if (row?.providerId === caller) return row;
      throw new NotFoundError('no-such-request', 'There is no security domain request of this id');
    };
    const row = await waitUntil(read, (found) => found.state !== 'running', { waitMs, signal: this.#started.stopping });
    const { requestId, state, report, problem } = row;
    return {
      ...{ requestId, state, steps: await stepLog.list(id) },
      ...(report === undefined ? {} : { report }),
      ...(problem === undefined ? {} : { problem }),
    };
  }

  /** Ends a request that runs: the trip that is under way is not broken off, another one is not made. */
  async cancel(id: string, caller: string): Promise<SecurityDomainRequestState> {
    const state = await this.state(id, caller, 0);
    if (state.state !== 'running') return state;
    await finishRequest(this.#options.database, id, { problem: problemOfFailure(failureOf(cancelled())) });
    return this.state(id, caller, 0);
  }

  /** Applications that the issuer put on this card. */
  async onCard(cardId: CardId) {
    const rows = await listApplications(this.#options.database, cardId);
    return rows.map(({ aid, provider_id: providerId, state }) => ({ aid, providerId, state }));
  }

  /** The workflow's body: only what stands in durable steps has effects. */
  readonly body = async (input: unknown, run: DurableRun): Promise<unknown> => {
    // The engine hands back what `request` gave it.
    const facts = input as Admitted;
    const { database, relaysOf, windowMs, watch } = this.#options;
    const policy = {
      windowMs,
      stopping: this.#started.stopping,
      ...watch,
      isCancelled: () => this.#isOver(run.workflowId),
    };
    const link = new RelayLink(relaysOf(facts.caller, facts.relayBaseUrl), facts.request.relayId);
    const context = this.#context(run.workflowId, facts, link);
    const end = await runFlow(this.#steps, facts, run, context, policy);
    await context.channel.close();
    if (end.end !== 'failed') return 'done';
    return run.step('finish', async () => {
      await finishRequest(database, run.workflowId, { problem: problemOfFailure(end.failure) });
      return 'failed';
    });
  };

  async #isOver(id: string): Promise<boolean> {
    const row = await findRequest(this.#options.database, id);
    return row !== undefined && row.state !== 'running';
  }

  #context(workflowId: string, { request }: IssuerStart, card: IssuerContext['card']): IssuerContext {
    const { database, kms, auditLog, stepLog, failures, settings } = this.#options;
    const name = cardIdText(request.cardId);
    return {
      ...{ workflowId, database, kms, auditLog, settings, card },
      channel: new SecureChannelSlot(kms),
      report: (step) => stepLog.add(workflowId, step),
      authentication: () => ({
        begin: () => failures.begin(name, 'ISD'),
        succeeded: () => failures.succeeded(name, 'ISD'),
        withdrawn: () => failures.withdrawn(name, 'ISD'),
      }),
    };
  }
}

/** 43 and 44 touch no card. */
const noCard: IssuerContext['card'] = {
  exchange: async () => {
    throw new InvariantError('card-before-admission', 'The card was touched before 43 and 44 were passed');
  },
  close: async () => {},
};

// SPDX-License-Identifier: Apache-2.0
import type { Kysely, Transaction } from 'kysely';
import { nativeIssuerProfile } from '../../card/profile/native-issuer.ts';
import { InvariantError, NotFoundError } from '../../errors.ts';
import type { AuthenticationFailures } from '../../store/authentication-failures.ts';
import { cardIdText } from '../../store/card-id.ts';
import { listApplications } from '../../store/issuer/applications.ts';
import type { Card } from '../../store/issuer/cards.ts';
import type { IssuerTables } from '../../store/issuer/schema.ts';
import {
  addRequest,
  findRequest,
  finishRequest,
  listLostRequests,
} from '../../store/issuer/security-domain-requests.ts';
import { recordSeen } from '../../store/issuer/seen-registry.ts';
import { claimIdempotencyKey, type RequestTables } from '../../store/request-log.ts';
import { addSteps } from '../../store/step-log.ts';
import { forgetResults } from '../../store/workflows.ts';
import type { CardId } from '../../wire/message/common.ts';
import type {
  SecurityDomainReport,
  SecurityDomainRequestState,
  StepRecord,
} from '../../wire/message/key-distribution.ts';
import type { InitialKeyBlob } from '../../wire/message/security-domain-resource.ts';
import type { Also, DurableRun, Workflow } from '../../workflow/engine/execution.ts';
import type { FlowJournal } from '../../workflow/engine/flow-journal.ts';
import { cancelled } from '../../workflow/engine/retry.ts';
import { admit, type Failure, type FlowEnd, failureOf } from '../../workflow/engine/run.ts';
import { SecureChannelSlot } from '../../workflow/engine/secure-channel-slot.ts';
import {
  type DomainStart,
  FOUND_BY_ID,
  type IssuerContext,
  type IssuerSettings,
  type IssuerStart,
} from '../../workflow/key-distribution/issuer-context.ts';
import { initialKeySteps, issuerSteps, nativeIssuerSteps } from '../../workflow/key-distribution.ts';
import type { Kms } from '../../workflow/ports.ts';
import { type DurableFlow, lostFlow } from '../durable-flow.ts';
import { problemOfFailure } from '../problem-of-failure.ts';
import { type CardWays, wayToCard } from './card-ways.ts';

/** Application management: makes security domains for providers, steps 43 to 52. */

export const CREATE_SECURITY_DOMAIN = 'create-security-domain';
/** Key set name under which the issuer counts failed authentications. */
export const ISD_KEY_SET = 'ISD';
/** A request without workflow for so long is one that its provider does not bring again either. */
const LOST_AFTER_MS = 600_000;

export interface ApplicationsOptions extends CardWays {
  readonly database: Kysely<IssuerTables>;
  readonly kms: Kms;
  readonly failures: AuthenticationFailures;
  readonly settings: IssuerSettings;
  /** Steps 43 to 52; default `issuerSteps`. */
  readonly steps?: typeof issuerSteps;
  readonly flow: DurableFlow<IssuerTables>;
}

type Reported = DomainStart & { readonly report?: SecurityDomainReport; readonly initialKeys?: InitialKeyBlob };

/** The request with what 43 and 44 found. */
type Admitted = DomainStart & { readonly relayBaseUrl: string; readonly card: Card };

export class Applications implements Workflow {
  readonly #options: ApplicationsOptions;

  constructor(options: ApplicationsOptions) {
    this.#options = options;
  }

  /** The channel to the ISD, and so the way of 45 to 51, comes from the card's profile. */
  #stepsFor(card: Card): typeof issuerSteps | typeof nativeIssuerSteps {
    return card.isdKeySet === undefined ? this.#steps : nativeIssuerSteps;
  }

  get #steps(): typeof issuerSteps {
    return this.#options.steps ?? issuerSteps;
  }

  /**
   * Takes a request of step 42: checks 43 and 44 at once and starts the rest, unless only these two are asked.
   *
   * @param more how the issuer itself reaches the card, absent: through the caller's relay; what the domain is to be
   * @throws PolicyError at 43, NotFoundError at 44, ConflictError `idempotency-key-reused`
   */
  async requestSecurityDomain(
    id: string,
    caller: string,
    request: IssuerStart['request'] | DomainStart['request'],
    more: Pick<DomainStart, 'reader' | 'wished' | 'keys'> = {},
  ): Promise<SecurityDomainRequestState> {
    const { database, flow } = this.#options;
    const start: DomainStart = { request, caller, ...more };
    const body = { ...request, ...more };
    if (flow.live(id) !== undefined) {
      await claimIdempotencyKey(database, { key: id, caller, body });
      return this.state(id, caller, { waitMs: 0 });
    }
    const admitted = new Map<string, StepRecord>();
    const context = { ...this.#context(id, start, noCard), report: async (step: StepRecord) => note(admitted, step) };
    const facts = await this.#admit(start, context);
    if ('admissionOnly' in request && request.admissionOnly === true)
      return { requestId: id, state: 'done', steps: [] };
    const input = { ...start, ...facts };
    const go = await database.transaction().execute(async (transaction) => {
      await claimIdempotencyKey(transaction as unknown as Kysely<RequestTables>, { key: id, caller, body });
      const added = await addRequest(transaction, id, caller);
      const workflow = { id, kind: CREATE_SECURITY_DOMAIN, fairKey: caller, input };
      // A row without workflow is a request of an earlier release.
      const started = await flow.engine.add(transaction as unknown as Transaction<unknown>, workflow);
      // 43 and 44 are done: the flow goes on behind them.
      if (added) await addSteps(transaction as unknown as Transaction<unknown>, id, [...admitted.values()]);
      return { added, started };
    });
    go.started();
    return go.added ? { requestId: id, state: 'running', steps: [] } : this.state(id, caller, { waitMs: 0 });
  }

  /** 43 and 44 are the same functions whatever comes after. */
  #admit(start: DomainStart, context: IssuerContext) {
    const { keys } = start;
    // Both rows look at what every request names.
    return keys === undefined
      ? admit(this.#steps, start as IssuerStart, context)
      : admit(initialKeySteps, { ...start, keys }, context);
  }

  /**
   * Waits until there are more rows than `afterStep`, where it is given, the request has ended, or the time is over.
   *
   * @throws NotFoundError for another provider's too
   */
  async state(
    id: string,
    caller: string,
    wait: { readonly waitMs: number; readonly afterStep?: number },
  ): Promise<SecurityDomainRequestState> {
    const { afterStep = Number.POSITIVE_INFINITY } = wait;
    const done = (state: SecurityDomainRequestState) => state.state !== 'running' || state.steps.length > afterStep;
    return this.#options.flow.wait(id, () => this.#read(id, caller), { waitMs: wait.waitMs, done });
  }

  async #read(id: string, caller: string): Promise<SecurityDomainRequestState> {
    const { database, flow } = this.#options;
    const live = flow.live(id);
    if (live?.facts.caller === caller) return { requestId: id, state: 'running', steps: [...live.steps] };
    const row = await findRequest(database, id);
    if (row?.providerId !== caller) {
      throw new NotFoundError('no-such-request', 'There is no security domain request of this id');
    }
    const { requestId, state, report, problem, steps } = row;
    return {
      requestId,
      state,
      steps: [...(live?.steps ?? steps)],
      ...(report === undefined ? {} : { report }),
      ...(problem === undefined ? {} : { problem }),
    };
  }

  /** Ends a request that runs: the trip that is under way is not broken off, another one is not made. */
  async cancel(id: string, caller: string): Promise<SecurityDomainRequestState> {
    const { database, flow } = this.#options;
    const state = await this.state(id, caller, { waitMs: 0 });
    if (state.state !== 'running') return state;
    await finishRequest(database, id, { problem: problemOfFailure(failureOf(cancelled())) });
    await flow.engine.cancel(id);
    return this.#read(id, caller);
  }

  /** Applications that the issuer put on this card. */
  async onCard(cardId: CardId) {
    const rows = await listApplications(this.#options.database, cardId);
    return rows.slice(0, 256).map(({ aid, provider_id: providerId, state }) => ({ aid, providerId, state }));
  }

  /** The workflow's body: only what stands in durable steps has effects. */
  async run(input: unknown, run: DurableRun): Promise<Also> {
    // The engine hands back what `request` gave it.
    const facts = input as Admitted;
    const { flow } = this.#options;
    const { caller, relayBaseUrl, reader, request } = facts;
    const { cardId, relayId } = request;
    const own = reader === FOUND_BY_ID ? {} : reader;
    const transport = own === undefined ? { kind: 'relay' as const, relayId } : { kind: 'ota' as const, ...own };
    const link = wayToCard(this.#options, { transport, caller, relayBaseUrl, cardId, owner: run.workflowId });
    const common = {
      run,
      context: (journal: FlowJournal) => this.#context(run.workflowId, facts, link, journal),
      end: async (end: FlowEnd) => {
        await link.close();
        await this.#options.kms.endFlow(run.workflowId).catch(() => {});
        return end.end === 'failed' ? this.#failed(run.workflowId, end.failure) : this.#reported(run, end);
      },
      outcome: () => 'created',
    };
    const { keys } = facts;
    if (keys !== undefined) return flow.run({ flow: initialKeySteps, start: { ...facts, keys }, ...common });
    // Without keys it is the request of step 42.
    return flow.run({ flow: this.#stepsFor(facts.card), start: facts as Admitted & IssuerStart, ...common });
  }

  broken(id: string): Also {
    return this.#failed(id, failureOf(undefined));
  }

  /** 52: from here on the provider reads the report. 48 spoke to the domain: it was seen on the card. */
  #reported({ workflowId }: DurableRun, end: FlowEnd): Also {
    const { report, initialKeys: keyBlob, request } = (end.end === 'done' ? end.facts : {}) as Reported;
    return async (transaction) => {
      const own = transaction as unknown as Transaction<IssuerTables>;
      const seen = { kind: 'application', aid: request.ssdAid } as const;
      await recordSeen(transaction as unknown as Kysely<IssuerTables>, request.cardId, [seen]);
      if (keyBlob !== undefined) await forgetResults(transaction, workflowId);
      await finishRequest(own, workflowId, {
        ...(report === undefined ? {} : { report }),
        ...(keyBlob === undefined ? {} : { keyBlob }),
      });
    };
  }

  #failed(id: string, failure: Failure): Also {
    return async (transaction) => {
      await finishRequest(transaction as unknown as Transaction<IssuerTables>, id, {
        problem: problemOfFailure(failure),
      });
      // Keys that were made and may be on the card.
      await forgetResults(transaction, id);
    };
  }

  /** Ends requests whose workflow is not there, with the reason. Returns how many. */
  async endLost(): Promise<number> {
    const { database } = this.#options;
    const lost = await listLostRequests(database, LOST_AFTER_MS);
    const problem = problemOfFailure(failureOf(lostFlow()));
    for (const { requestId } of lost) await finishRequest(database, requestId, { problem });
    return lost.length;
  }

  #context(
    workflowId: string,
    { request }: Pick<DomainStart, 'request'>,
    card: IssuerContext['card'],
    journal?: FlowJournal,
  ) {
    const { database, kms, failures, settings } = this.#options;
    const name = cardIdText(request.cardId);
    const context: IssuerContext = {
      workflowId,
      database,
      kms,
      settings,
      card,
      ...(journal === undefined ? { auditLog: noJournal } : { auditLog: journal, journal }),
      channel: new SecureChannelSlot(kms),
      report: async (step) => journal?.report(step),
      cardName: () => name,
      authentication: ({ card: found }) => ({
        begin: () => failures.begin(name, ISD_KEY_SET, triesOf(found as Card | undefined)),
        succeeded: () => failures.succeeded(name, ISD_KEY_SET),
        withdrawn: () => failures.withdrawn(name, ISD_KEY_SET),
      }),
    };
    return context;
  }
}

/** A row is reported when it begins and again with what it took. */
const note = (rows: Map<string, StepRecord>, step: StepRecord): void => {
  rows.set(step.numeral, step);
};

/** 43 and 44 do nothing that is audited. */
const noJournal: IssuerContext['auditLog'] = {
  append: async () => {
    throw new InvariantError('audit-before-admission', 'Something was done before 43 and 44 were passed');
  },
};

/** 43 and 44 touch no card. */
const noCard: IssuerContext['card'] = {
  exchange: async () => {
    throw new InvariantError('card-before-admission', 'The card was touched before 43 and 44 were passed');
  },
  close: async () => {},
};

/** What the card's profile says it bears; undefined leaves it to the platform's configuration. */
const triesOf = (card: Card | undefined): number | undefined =>
  card?.isdKeySet === undefined ? undefined : nativeIssuerProfile(card.isdKeySet.profile).tries;

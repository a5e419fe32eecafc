// SPDX-License-Identifier: Apache-2.0
import type { Kysely, Transaction } from 'kysely';
import { InvariantError, NotFoundError } from '../../errors.ts';
import type { AuthenticationFailures } from '../../store/authentication-failures.ts';
import { cardIdText } from '../../store/card-id.ts';
import {
  addApplicationRequest,
  endLostApplicationRequests,
  findApplicationRequest,
  finishApplicationRequest,
} from '../../store/issuer/application-requests.ts';
import { withdrawApplication } from '../../store/issuer/applications.ts';
import type { IssuerTables } from '../../store/issuer/schema.ts';
import { claimIdempotencyKey, type RequestTables } from '../../store/request-log.ts';
import type {
  ApplicationProblem,
  ApplicationRemoval,
  ApplicationRequest,
  ApplicationRequestState,
} from '../../wire/message/platform.ts';
import type { InstallContext } from '../../workflow/deploy-application/context.ts';
import { installSteps } from '../../workflow/deploy-application.ts';
import type { Also, DurableRun, Workflow } from '../../workflow/engine/execution.ts';
import type { AnyFacts, Flow } from '../../workflow/engine/flow.ts';
import type { FlowJournal } from '../../workflow/engine/flow-journal.ts';
import { admit, type Failure, failureOf } from '../../workflow/engine/run.ts';
import { SecureChannelSlot } from '../../workflow/engine/secure-channel-slot.ts';
import type { IssuerSettings } from '../../workflow/key-distribution/issuer-context.ts';
import type { Kms } from '../../workflow/ports.ts';
import { removeSteps } from '../../workflow/remove-application.ts';
import type { DomainRemoval } from '../../workflow/remove-domain/context.ts';
import { removeDomainSteps } from '../../workflow/remove-domain.ts';
import { type DurableFlow, lostFlow } from '../durable-flow.ts';
import { isRefusal, problemOfFailure } from '../problem-of-failure.ts';
import { ISD_KEY_SET } from './applications.ts';
import { type CardWays, wayToCard } from './card-ways.ts';

/** Application management: LOAD, INSTALL and DELETE in the domains of providers, D3 to D8, R3 to R8, E3 to E8. */

export const INSTALL_APPLICATION = 'install-application';
export const REMOVE_APPLICATION = 'remove-application';
const REMOVE_DOMAIN = 'remove-domain';

export interface ApplicationRequestsOptions extends CardWays {
  readonly database: Kysely<IssuerTables>;
  readonly kms: Kms;
  readonly failures: AuthenticationFailures;
  readonly settings: IssuerSettings;
  readonly flow: DurableFlow<IssuerTables>;
}

/** What either flow begins with: the request and what its first two rows found. */
interface Admitted {
  readonly request: ApplicationRequest | ApplicationRemoval | DomainRemoval;
  readonly caller: string;
  readonly relayBaseUrl: string;
}
type Start = Pick<Admitted, 'request' | 'caller'>;

export class ApplicationRequests {
  readonly #options: ApplicationRequestsOptions;

  constructor(options: ApplicationRequestsOptions) {
    this.#options = options;
  }

  /** Checks D3 and D4 at once and starts the rest. @throws PolicyError at D3, NotFoundError at D4 */
  async request(id: string, caller: string, request: ApplicationRequest): Promise<ApplicationRequestState> {
    return this.#add(INSTALL_APPLICATION, installSteps, id, { request, caller });
  }

  /** Checks R3 and R4 at once and starts the rest. @throws PolicyError at R3, NotFoundError at R4 */
  async remove(id: string, caller: string, request: ApplicationRemoval): Promise<ApplicationRequestState> {
    return this.#add(REMOVE_APPLICATION, removeSteps, id, { request, caller });
  }

  /** Checks E3 and E4 at once and starts the rest. @throws PolicyError at E3, NotFoundError at E4 */
  async removeDomain(id: string, caller: string, request: DomainRemoval): Promise<ApplicationRequestState> {
    return this.#add(REMOVE_DOMAIN, removeDomainSteps, id, { request, caller });
  }

  async #add<F>(kind: string, steps: Flow<InstallContext, F>, id: string, start: Start) {
    const { database, flow } = this.#options;
    const { caller } = start;
    // A removal that was done has nothing to check any more.
    if (await this.#isKnown(id, caller, [kind, start.request])) return this.#read(id, caller);
    const facts = await admit(steps, start, this.#context(id, start, noCard));
    const go = await database.transaction().execute(async (transaction) => {
      await claimIdempotencyKey(transaction as unknown as Kysely<RequestTables>, {
        key: id,
        caller,
        body: [kind, start.request],
      });
      if (!(await addApplicationRequest(transaction, id, caller))) return undefined;
      const workflow = { id, kind, fairKey: caller, input: { ...start, ...facts } };
      return flow.engine.add(transaction as unknown as Transaction<unknown>, workflow);
    });
    go?.();
    return this.#read(id, caller);
  }

  async #isKnown(id: string, caller: string, body: unknown): Promise<boolean> {
    const { database } = this.#options;
    if ((await findApplicationRequest(database, id))?.providerId !== caller) return false;
    await claimIdempotencyKey(database as unknown as Kysely<RequestTables>, { key: id, caller, body });
    return true;
  }

  /** @throws NotFoundError for another provider's too */
  async state(
    id: string,
    caller: string,
    { waitMs, afterStep }: { readonly waitMs: number; readonly afterStep: number },
  ): Promise<ApplicationRequestState> {
    const done = (state: ApplicationRequestState) => state.state !== 'running' || state.steps.length > afterStep;
    return this.#options.flow.wait(id, () => this.#read(id, caller), { waitMs, done });
  }

  async #read(id: string, caller: string): Promise<ApplicationRequestState> {
    const { database, flow } = this.#options;
    const row = await findApplicationRequest(database, id);
    if (row?.providerId !== caller)
      throw new NotFoundError('no-such-request', 'There is no application request of this id');
    const live = row.state === 'running' ? flow.live(id) : undefined;
    const { requestId, state, steps, problem } = row;
    return { requestId, state, steps: [...(live?.steps ?? steps)], ...(problem === undefined ? {} : { problem }) };
  }

  /** Bodies for the engine. */
  get workflows(): Readonly<Record<string, Workflow>> {
    const broken = (id: string): Also => finishing(id, problemOfFailure(failureOf(undefined)));
    return {
      [INSTALL_APPLICATION]: { run: (input, run) => this.#run(installSteps, input, run), broken },
      [REMOVE_DOMAIN]: { run: (input, run) => this.#run(removeDomainSteps, input, run), broken },
      [REMOVE_APPLICATION]: { run: (input, run) => this.#run(removeSteps, input, run), broken },
    };
  }

  /** The workflow's body: only what stands in durable steps has effects. */
  async #run<F>(steps: Flow<InstallContext, F>, input: unknown, run: DurableRun): Promise<Also> {
    // The engine hands back what `#add` gave it.
    const facts = input as Admitted & AnyFacts;
    const { flow, kms } = this.#options;
    const { caller, relayBaseUrl, request } = facts;
    const { cardId } = request;
    const transport = 'transport' in request ? request.transport : { kind: 'relay' as const, relayId: request.relayId };
    const link = wayToCard(this.#options, { transport, caller, relayBaseUrl, cardId, owner: run.workflowId });
    return flow.run({
      flow: steps,
      start: facts,
      run,
      context: (journal) => this.#context(run.workflowId, facts, link, journal),
      end: async (end) => {
        await link.close();
        await kms.endFlow(run.workflowId).catch(() => {});
        return finishing(run.workflowId, end.end === 'failed' ? refusalOf(end.failure) : undefined);
      },
    });
  }

  async endLost(): Promise<number> {
    return endLostApplicationRequests(this.#options.database, problemOfFailure(failureOf(lostFlow())));
  }

  #context(
    workflowId: string,
    { request }: Start,
    card: InstallContext['card'],
    journal?: FlowJournal,
  ): InstallContext {
    const { database, kms, failures, settings } = this.#options;
    const name = cardIdText(request.cardId);
    return {
      workflowId,
      database,
      kms,
      settings,
      card,
      ...(journal === undefined ? { auditLog: noJournal } : { auditLog: journal, journal }),
      channel: new SecureChannelSlot(kms),
      report: async (step) => journal?.report(step),
      authentication: () => ({
        begin: () => failures.begin(name, ISD_KEY_SET),
        succeeded: () => failures.succeeded(name, ISD_KEY_SET),
        withdrawn: () => failures.withdrawn(name, ISD_KEY_SET),
      }),
    };
  }
}

const finishing =
  (id: string, problem?: ApplicationProblem): Also =>
  async (transaction) => {
    const own = transaction as unknown as Transaction<IssuerTables>;
    if (problem !== undefined) await withdrawApplication(own, id);
    await finishApplicationRequest(own, id, problem);
  };

/** A refusal says that the card is untouched, unless its row knows better. */
const refusalOf = (failure: Failure): ApplicationProblem => ({
  ...problemOfFailure(failure),
  ...(isRefusal(failure) ? { untouched: true as const } : {}),
});

const tooEarly = () => new InvariantError('before-admission', 'Something was done before D3 and D4 were passed');

/** D3 and D4 do nothing that is audited. */
const noJournal: InstallContext['auditLog'] = {
  append: async () => {
    throw tooEarly();
  },
};

/** D3 and D4 touch no card. */
const noCard: InstallContext['card'] = {
  exchange: async () => {
    throw tooEarly();
  },
  close: async () => {},
};

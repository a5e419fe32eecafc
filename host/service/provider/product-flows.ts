// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import type { Kysely, Transaction } from 'kysely';
import { ConflictError, NotFoundError } from '../../errors.ts';
import type { AuthenticationFailures } from '../../store/authentication-failures.ts';
import { closeCardRelay } from '../../store/provider/card-relays.ts';
import {
  addProductFlow,
  endLostProductFlows,
  findProductFlow,
  finishProductFlow,
  type ProductFlowKind,
  type ProductFlowResult,
} from '../../store/provider/product-flows.ts';
import type { ProviderTables } from '../../store/provider/schema.ts';
import { claimIdempotencyKey, type RequestTables } from '../../store/request-log.ts';
import { toHex } from '../../wire/hex.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { StepRecord } from '../../wire/message/key-distribution.ts';
import type { DeploymentState, StartDeployment, StartTopUp, TopUpState } from '../../wire/message/platform.ts';
import type {
  DeployContext,
  DeployStart,
  Installer,
  Named,
  Product,
} from '../../workflow/deploy-application/context.ts';
import { deploySteps } from '../../workflow/deploy-application.ts';
import type { Also, DurableRun, Workflow } from '../../workflow/engine/execution.ts';
import type { FlowJournal } from '../../workflow/engine/flow-journal.ts';
import { type FlowEnd, failureOf } from '../../workflow/engine/run.ts';
import { SecureChannelSlot } from '../../workflow/engine/secure-channel-slot.ts';
import type { ProviderSettings } from '../../workflow/key-distribution/provider-context.ts';
import { moveBalanceSteps } from '../../workflow/move-balance.ts';
import type { IssuerPlatform, Kms } from '../../workflow/ports.ts';
import type { Booked } from '../../workflow/top-up/book-load.ts';
import type { LoadPermits, TopUpContext, TopUpStart } from '../../workflow/top-up/context.ts';
import { topUpSteps } from '../../workflow/top-up.ts';
import type { CardLinks } from '../card-links.ts';
import { type DurableFlow, lostFlow } from '../durable-flow.ts';
import { requireNamed } from '../named-application.ts';
import { isRefusal, problemOfFailure } from '../problem-of-failure.ts';
import { attemptOfFlow } from './authentication-attempt.ts';

/** Products on cards: deployment and top-up, each a durable flow. */

export const DEPLOYMENT = 'deployment';
export const TOP_UP = 'top-up';
const BALANCE_MOVE = 'balance-move';

export interface ProductFlowsOptions {
  readonly database: Kysely<ProviderTables>;
  readonly kms: Kms;
  readonly issuer: IssuerPlatform;
  readonly installer: Installer;
  readonly permits: LoadPermits;
  readonly links: CardLinks;
  readonly failures: AuthenticationFailures;
  readonly settings: ProviderSettings;
  readonly products: readonly Product[];
  readonly flow: DurableFlow<ProviderTables>;
}

type BalanceMoveState = Pick<DeploymentState, 'id' | 'state' | 'steps' | 'problem'>;
type Wait = { readonly waitMs: number; readonly afterStep: number };
interface FlowState extends ProductFlowResult {
  readonly id: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly steps: readonly StepRecord[];
}

export class ProductFlows {
  readonly #options: ProductFlowsOptions;

  constructor(options: ProductFlowsOptions) {
    this.#options = options;
  }

  /** Bodies for the engine. */
  get workflows(): Readonly<Record<string, Workflow>> {
    const broken = (id: string): Also => finishing(id, { problem: problemOfFailure(failureOf(undefined)) }, 'failed');
    return {
      [DEPLOYMENT]: { run: (input, run) => this.#deploy(input as DeployStart, run), broken },
      [TOP_UP]: { run: (input, run) => this.#topUp(input as TopUpStart, run), broken },
      [BALANCE_MOVE]: { run: (input, run) => this.#moveBalance(input as TopUpStart, run), broken },
    };
  }

  /**
   * @param onlyCard absent: whichever card is in the reader
   * @throws NotFoundError `product-unknown` @throws ConflictError `idempotency-key-reused`
   */
  async startDeployment(
    id: string,
    caller: string,
    request: StartDeployment,
    onlyCard?: CardId,
  ): Promise<DeploymentState> {
    this.#product(request.productId);
    const start: DeployStart = { ...request, ...(onlyCard === undefined ? {} : { onlyCard }) };
    return deploymentOf(await this.#start(DEPLOYMENT, id, caller, start));
  }

  /**
   * A3: the same key and request give the same top-up.
   *
   * @throws NotFoundError `product-unknown` @throws ConflictError `application-differs`
   */
  async startTopUp(id: string, caller: string, request: StartTopUp): Promise<TopUpState> {
    const { instanceAid } = this.#product(request.productId);
    requireNamed(request, { securityDomainAid: this.#options.settings.ssdAid, instanceAids: [instanceAid] });
    return stateOf(await this.#start(TOP_UP, id, caller, request));
  }

  /**
   * A top-up that pays what several flows may try to: the loads of all of them go by one name, and one is done at most.
   *
   * @throws NotFoundError `product-unknown`
   */
  async startPayment(id: string, caller: string, request: StartTopUp, paymentId: string): Promise<TopUpState> {
    this.#product(request.productId);
    return stateOf(await this.#start(TOP_UP, id, caller, { ...request, paymentId }));
  }

  /** M1 to M2h: takes the balance off the purse of a card that was replaced. @throws NotFoundError `product-unknown` */
  async startBalanceMove(id: string, caller: string, request: Omit<StartTopUp, 'amount'>): Promise<BalanceMoveState> {
    this.#product(request.productId);
    return stateOf(await this.#start(BALANCE_MOVE, id, caller, { ...request, amount: 0 }));
  }

  async balanceMove(id: string, wait: Wait): Promise<BalanceMoveState> {
    return stateOf(await this.#state(BALANCE_MOVE, id, wait));
  }

  async deployment(id: string, wait: Wait): Promise<DeploymentState> {
    return deploymentOf(await this.#state(DEPLOYMENT, id, wait));
  }

  async topUp(id: string, wait: Wait): Promise<TopUpState> {
    return stateOf(await this.#state(TOP_UP, id, wait));
  }

  /** Ends flows that say they run although nothing works on them; a load they left open is settled by the next. */
  async endLost(): Promise<number> {
    return endLostProductFlows(this.#options.database, problemOfFailure(failureOf(lostFlow())));
  }

  #product(productId: string): Product {
    const product = this.#options.products.find((known) => known.productId === productId);
    if (product === undefined) throw new NotFoundError('product-unknown', `This provider has no product ${productId}`);
    return product;
  }

  async #start(
    kind: ProductFlowKind,
    id: string,
    caller: string,
    request: DeployStart | StartTopUp | TopUpStart,
  ): Promise<FlowState> {
    const { database, flow, settings } = this.#options;
    const go = await database.transaction().execute(async (transaction) => {
      await claimIdempotencyKey(transaction as unknown as Kysely<RequestTables>, {
        key: id,
        caller,
        body: [kind, request],
      });
      if (!(await addProductFlow(transaction, id, kind))) return undefined;
      const workflow = { id, kind, fairKey: settings.providerId, input: request };
      return flow.engine.add(transaction as unknown as Transaction<unknown>, workflow);
    });
    if (go === undefined) return this.#read(kind, id);
    go();
    return { id, state: 'running', steps: [] };
  }

  async #state(kind: ProductFlowKind, id: string, { waitMs, afterStep }: Wait): Promise<FlowState> {
    const done = (state: FlowState) => state.state !== 'running' || state.steps.length > afterStep;
    return this.#options.flow.wait(id, () => this.#read(kind, id), { waitMs, done });
  }

  async #read(kind: ProductFlowKind, id: string): Promise<FlowState> {
    const row = await findProductFlow(this.#options.database, id, kind);
    if (row === undefined) throw new NotFoundError('no-such-flow', `There is no ${kind} of this id`);
    const live = this.#options.flow.live(id);
    return live === undefined || row.state !== 'running' ? row : { ...row, steps: live.steps };
  }

  #deploy(start: DeployStart, run: DurableRun): Promise<Also> {
    const { links, flow, database, kms, settings, issuer, failures, installer } = this.#options;
    const { workflowId } = run;
    return flow.run({
      flow: deploySteps,
      start,
      run,
      context: (journal): DeployContext => ({
        workflowId,
        database,
        kms,
        settings,
        issuer,
        installer,
        journal,
        product: this.#product(start.productId),
        auditLog: journal,
        card: links.of(workflowId, start),
        channel: new SecureChannelSlot(kms),
        report: async (step) => journal.report(step),
        copySteps: async (steps) => journal.copy(steps),
        authentication: attemptOfFlow(failures, settings.ssdAid),
      }),
      end: async (end) => {
        await links.release(workflowId);
        await kms.endFlow(workflowId).catch(() => {});
        if (end.end === 'failed') return this.#failing(workflowId, end);
        const { instance } = (end.end === 'done' ? end.facts : {}) as Partial<Named>;
        return finishing(workflowId, instance === undefined ? {} : { instance });
      },
    });
  }

  #moveBalance(start: TopUpStart, run: DurableRun): Promise<Also> {
    const { links, flow } = this.#options;
    const { workflowId } = run;
    return flow.run({
      flow: moveBalanceSteps,
      start,
      run,
      context: (journal) => this.#purseContext(workflowId, start, journal),
      end: async (end) => {
        await links.release(workflowId);
        return end.end === 'failed' ? this.#failing(workflowId, end) : finishing(workflowId, {});
      },
    });
  }

  #purseContext(workflowId: string, start: TopUpStart, journal: FlowJournal): TopUpContext {
    const { links, database, kms, permits } = this.#options;
    return {
      workflowId,
      database,
      kms,
      permits,
      journal,
      paymentId: start.paymentId ?? workflowId,
      product: this.#product(start.productId),
      card: links.of(workflowId, start),
      channel: new SecureChannelSlot(kms),
      report: async (step) => journal.report(step),
      newTerminal: () => toHex(randomBytes(6)),
      now: () => new Date(),
      authentication: () => {
        throw new ConflictError('no-channel', 'A purse is reached without a secure channel');
      },
    };
  }

  #topUp(start: TopUpStart, run: DurableRun): Promise<Also> {
    const { links, flow } = this.#options;
    const { workflowId } = run;
    return flow.run({
      flow: topUpSteps,
      start,
      run,
      context: (journal) => this.#purseContext(workflowId, start, journal),
      end: async (end) => {
        await links.release(workflowId);
        if (end.end === 'failed') return this.#failing(workflowId, end);
        const facts = (end.end === 'done' ? end.facts : {}) as Booked;
        const { balanceBefore, balanceAfter, tacVerified } = facts;
        if (balanceBefore === undefined) return finishing(workflowId, { outcome: 'read' });
        return finishing(workflowId, {
          outcome: 'credited',
          balanceBefore,
          ...(balanceAfter === undefined ? {} : { balanceAfter }),
          ...(tacVerified === undefined ? {} : { tacVerified }),
        });
      },
    });
  }

  #failing(id: string, { failure }: FlowEnd & { readonly end: 'failed' }): Also {
    const problem = problemOfFailure(failure);
    return isRefusal(failure) ? finishing(id, { outcome: 'refused', problem }) : finishing(id, { problem }, 'failed');
  }
}

/** The end of a flow in our tables. A flow that gave up while its issuer was away left the way to the card open. */
const finishing =
  (id: string, result: ProductFlowResult, state: 'done' | 'failed' = 'done'): Also =>
  async (transaction) => {
    const own = transaction as unknown as Transaction<ProviderTables>;
    await finishProductFlow(own, id, state, result);
    await closeCardRelay(own, id);
  };

const stateOf = <S extends FlowState>(state: S): S & { steps: StepRecord[] } => ({ ...state, steps: [...state.steps] });

/** The outcome is a top-up's word: a refused deployment is told by its problem. */
const deploymentOf = ({ outcome: _outcome, ...state }: FlowState): DeploymentState => stateOf(state);

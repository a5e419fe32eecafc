// SPDX-License-Identifier: Apache-2.0
import type { Kysely, Transaction } from 'kysely';
import { NotFoundError } from '../../errors.ts';
import type { AuthenticationFailures } from '../../store/authentication-failures.ts';
import {
  addProductFlow,
  findProductFlow,
  finishProductFlow,
  type ProductFlowResult,
} from '../../store/provider/product-flows.ts';
import type { ProviderTables } from '../../store/provider/schema.ts';
import { claimIdempotencyKey, type RequestTables } from '../../store/request-log.ts';
import type { ContentChangeState, ReceiptState, StartContentChange } from '../../wire/message/content-change.ts';
import type { ChangeContext, ChangeStart, Granted, TokenIssuer } from '../../workflow/change-content/context.ts';
import { changeSteps } from '../../workflow/change-content.ts';
import type { Also, DurableRun, Workflow } from '../../workflow/engine/execution.ts';
import type { FlowJournal } from '../../workflow/engine/flow-journal.ts';
import { type FlowEnd, failureOf } from '../../workflow/engine/run.ts';
import { SecureChannelSlot } from '../../workflow/engine/secure-channel-slot.ts';
import type { ProviderSettings } from '../../workflow/key-distribution/provider-context.ts';
import type { IssuerPlatform, Kms } from '../../workflow/ports.ts';
import type { CardLinks } from '../card-links.ts';
import type { DurableFlow } from '../durable-flow.ts';
import { problemOfFailure } from '../problem-of-failure.ts';
import { attemptOfFlow } from './authentication-attempt.ts';

/** Delegated management: what the provider changes in its own domains, each act a durable flow. */

export const CONTENT_CHANGE = 'content-change';

interface Ended {
  readonly state: 'done' | 'failed';
  readonly result: ProductFlowResult;
}

interface Proof {
  readonly receipt: ReceiptState;
  readonly confirmation: string;
}

export interface ContentChangesOptions {
  readonly database: Kysely<ProviderTables>;
  readonly kms: Kms;
  readonly issuer: IssuerPlatform;
  readonly tokens: TokenIssuer;
  readonly links: CardLinks;
  readonly failures: AuthenticationFailures;
  readonly settings: ProviderSettings;
  readonly flow: DurableFlow<ProviderTables>;
}

export class ContentChanges implements Workflow {
  readonly #options: ContentChangesOptions;

  constructor(options: ContentChangesOptions) {
    this.#options = options;
  }

  /** The same key and request give the same change. @throws ConflictError `idempotency-key-reused` */
  async start(id: string, caller: string, request: StartContentChange): Promise<ContentChangeState> {
    const { database, flow, settings } = this.#options;
    const go = await database.transaction().execute(async (transaction) => {
      const log = transaction as unknown as Kysely<RequestTables>;
      await claimIdempotencyKey(log, { key: id, caller, body: [CONTENT_CHANGE, request] });
      if (!(await addProductFlow(transaction, id, CONTENT_CHANGE))) return undefined;
      const workflow = { id, kind: CONTENT_CHANGE, fairKey: settings.providerId, input: request };
      return flow.engine.add(transaction as unknown as Transaction<unknown>, workflow);
    });
    go?.();
    return this.#read(id);
  }

  /** @throws NotFoundError */
  async state(
    id: string,
    { waitMs, afterStep }: { readonly waitMs: number; readonly afterStep: number },
  ): Promise<ContentChangeState> {
    const done = (state: ContentChangeState) => state.state !== 'running' || state.steps.length > afterStep;
    return this.#options.flow.wait(id, () => this.#read(id), { waitMs, done });
  }

  async #read(id: string): Promise<ContentChangeState> {
    const row = await findProductFlow(this.#options.database, id, CONTENT_CHANGE);
    if (row === undefined) throw new NotFoundError('no-such-flow', 'There is no content change of this id');
    const { state, steps, tokenId, receipt, confirmation, problem } = row;
    const live = state === 'running' ? this.#options.flow.live(id) : undefined;
    return {
      id,
      state,
      steps: [...(live?.steps ?? steps)],
      ...(tokenId === undefined ? {} : { tokenId }),
      ...(receipt === undefined ? {} : { receipt }),
      ...(confirmation === undefined ? {} : { confirmation }),
      ...(problem === undefined ? {} : { problem }),
    };
  }

  /** The workflow's body: only what stands in durable steps has effects. */
  async run(input: unknown, run: DurableRun): Promise<Also> {
    // The engine hands back what `start` gave it.
    const { state, result } = await this.#run(input as ChangeStart, run);
    return finishing(run.workflowId, result, state);
  }

  /** One act as a part of another flow, whose run records its steps. Its row stays, with the receipt. */
  async within(start: ChangeStart, run: DurableRun): Promise<ProductFlowResult> {
    const { state, result } = await this.#run(start, run);
    await this.#options.database.transaction().execute(async (transaction) => {
      await addProductFlow(transaction, run.workflowId, CONTENT_CHANGE);
      await finishProductFlow(transaction, run.workflowId, state, result);
    });
    return result;
  }

  async #run(start: ChangeStart, run: DurableRun): Promise<Ended> {
    const { links, flow, kms } = this.#options;
    const { workflowId } = run;
    let ended: Ended = { state: 'failed', result: {} };
    await flow.run({
      flow: changeSteps,
      start,
      run,
      context: (journal) => this.#context(workflowId, start, journal),
      end: async (end) => {
        await links.release(workflowId);
        await kms.endFlow(workflowId).catch(() => {});
        ended = endedBy(end);
        return async () => {};
      },
    });
    return ended;
  }

  broken(id: string): Also {
    return finishing(id, { problem: problemOfFailure(failureOf(undefined)) }, 'failed');
  }

  #context(workflowId: string, start: ChangeStart, journal: FlowJournal): ChangeContext {
    const { links, database, kms, settings, issuer, failures, tokens } = this.#options;
    return {
      workflowId,
      database,
      kms,
      settings,
      issuer,
      tokens,
      journal,
      auditLog: journal,
      card: links.of(workflowId, start),
      channel: new SecureChannelSlot(kms),
      report: async (step) => journal.report(step),
      copySteps: async (steps) => journal.copy(steps),
      authentication: attemptOfFlow(failures, settings.ssdAid),
    };
  }
}

function endedBy(end: FlowEnd): Ended {
  if (end.end === 'failed') return { state: 'failed', result: { problem: problemOfFailure(end.failure) } };
  const facts = (end.end === 'done' ? end.facts : {}) as Partial<Granted & Proof>;
  const { granted, receipt, confirmation } = facts;
  const result = {
    ...(granted === undefined ? {} : { tokenId: granted.tokenId }),
    ...(receipt === undefined ? {} : { receipt }),
    ...(confirmation === undefined ? {} : { confirmation }),
  };
  return { state: 'done', result };
}

const finishing =
  (id: string, result: ProductFlowResult, state: 'done' | 'failed' = 'done'): Also =>
  (transaction) =>
    finishProductFlow(transaction as unknown as Transaction<ProviderTables>, id, state, result);

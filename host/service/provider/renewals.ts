// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { ConflictError, NotFoundError, TsmError, UnacceptableError } from '../../errors.ts';
import { type AuditLog, appendRecords } from '../../store/audit-log.ts';
import type { Bells } from '../../store/bells.ts';
import { cardIdText } from '../../store/card-id.ts';
import { findPurseMove, PAYMENTS, settleCredit } from '../../store/provider/purse-moves.ts';
import {
  agreeToRenewal,
  CARD_AWAY,
  claimClearings,
  claimRenewals,
  type DueClearing,
  type DueRenewal,
  endClearing,
  endLostClearing,
  endRenewal,
  findRenewal,
  keepClearingReader,
  keepReader,
  listRenewals,
  type RenewalQuery,
  settleClearing,
  settleRenewal,
} from '../../store/provider/renewals.ts';
import type { ProviderTables } from '../../store/provider/schema.ts';
import { findSecurityDomainRow } from '../../store/provider/security-domains.ts';
import { findInstance } from '../../store/provider/service-instances.ts';
import type { DeployedService } from '../../store/provider/service-processes.ts';
import { requestIdOf } from '../../store/request-log.ts';
import type { KeySizeBits } from '../../wire/gp/generate-key-pair.ts';
import type { CardPlace } from '../../wire/message/card-script.ts';
import type { CardId, Problem } from '../../wire/message/common.ts';
import { type AgreeToRenewal, INSTANCE_STATE, type Renewal } from '../../wire/message/platform.ts';
import { workOnDue } from '../due-work.ts';
import type { KeyDistributions } from './key-distributions.ts';
import type { ProductFlows } from './product-flows.ts';
import type { ServiceInstances } from './services/service-instances.ts';
import type { ServiceProcesses } from './services/service-processes.ts';

/**
 * Brings what a replaced card had onto the card that took its place, with keys of its own, when that is reached, and
 * then the balance of its purse, when the old card is.
 */

export const RENEWAL_BELL = 'renewals';
const LOOK_MS = 5_000;
/** More than one turn takes at most. */
const CLAIM_MS = 60_000;
/** Longest wait for a flow before it is looked at anew: a node that stops waits no longer. */
const TURN_MS = 2_000;
const AT_ONCE = 8;
const FIRST_PAUSE_MS = 5_000;
/** Between flows that failed. */
const LONGEST_PAUSE_MS = 3_600_000;
/** Between looks for the card: its user has it in the hand for minutes. */
const LONGEST_LOOK_MS = 120_000;
/** Flows that failed on the new card before a renewal is given up, and again whenever an operator agrees anew. */
const MOST_ATTEMPTS = 8;
/** So long the old card is looked for, whoever asks for it how often meanwhile. */
const CLEARING_MS = 30 * 24 * 3_600_000;
const CALLER = 'renewal';
const DEPLOYED: readonly number[] = [INSTANCE_STATE.OPERATIONAL, INSTANCE_STATE.SUSPENDED];

export interface RenewalsOptions {
  readonly database: Kysely<ProviderTables>;
  readonly auditLog: AuditLog;
  readonly bells: Bells;
  readonly keyDistributions: Pick<KeyDistributions, 'start' | 'state'>;
  readonly productFlows: Pick<
    ProductFlows,
    'startDeployment' | 'deployment' | 'startBalanceMove' | 'balanceMove' | 'startPayment' | 'topUp'
  >;
  readonly processes: Pick<ServiceProcesses, 'start' | 'state'>;
  readonly instances: Pick<ServiceInstances, 'provide'>;
  /** RSA size of the pairs of domains that a renewal makes. */
  readonly keySizeBits: KeySizeBits;
  /** Where the OTA server knows a card to be. */
  readonly placesOf: (cardId: CardId) => Promise<readonly CardPlace[]>;
  readonly onFailure: (instanceId: string, error: unknown) => void;
}

interface Reader {
  readonly terminalId: string;
  readonly readerName: string;
}

/** A flow on the new card, as far as it has come. */
interface Progress {
  readonly state: 'running' | 'done' | 'failed';
  readonly problem?: Problem;
}

export class Renewals implements AsyncDisposable {
  readonly #options: RenewalsOptions;
  readonly #stop = new AbortController();
  readonly #working: Promise<unknown>;

  /** Begins to work. */
  constructor(options: RenewalsOptions) {
    const { database } = options;
    this.#options = options;
    const claim = { claimMs: CLAIM_MS, giveUpMs: CLEARING_MS };
    const work = {
      bells: options.bells,
      bell: RENEWAL_BELL,
      lookMs: LOOK_MS,
      atOnce: AT_ONCE,
      signal: this.#stop.signal,
      onFailure: (error: unknown) => options.onFailure('', error),
    };
    // Old cards are away for weeks: looking for them keeps nothing from a new one.
    this.#working = Promise.all([
      workOnDue({
        ...work,
        claim: (atOnce) => claimRenewals(database, { ...claim, atOnce }),
        turn: (due: DueRenewal) => this.#turn(due),
      }),
      workOnDue({
        ...work,
        claim: (atOnce) => claimClearings(database, { ...claim, atOnce, payments: PAYMENTS }),
        turn: (due: DueClearing) => this.#clear(due),
      }),
    ]);
  }

  /** @throws UnacceptableError `no-such-page` when the last of the page before was ended or forgotten meanwhile */
  async list(query: RenewalQuery): Promise<Renewal[]> {
    const { database } = this.#options;
    if (query.after !== undefined && (await findRenewal(database, query.after)) === undefined)
      throw new UnacceptableError(
        'no-such-page',
        'The renewal in "after" was ended or forgotten meanwhile: begin again without it, or name the one before it',
      );
    return listRenewals(database, query);
  }

  /**
   * An operator's word that the new card is the same user's, or that the balance of the old purse is to come onto it.
   *
   * @throws NotFoundError `no-such-renewal` @throws ConflictError `renewal-ended` for one that is done, or whose new
   *     card has the product of its own; `balance-given-up` where an operator has ended it while a balance was owed;
   *     `other-renewal` while another one brings the product onto that card
   */
  async agree(instanceId: string, { reader }: AgreeToRenewal, operator: string): Promise<Renewal> {
    const { database, auditLog, bells } = this.#options;
    const agreed = await agreeToRenewal(database, instanceId, reader);
    if (agreed === 'other')
      throw new ConflictError(
        'other-renewal',
        'Another renewal brings this product onto that card: end that one first',
      );
    if (agreed === undefined) {
      const { state, balance } = await this.#known(instanceId);
      if (balance?.state === 'given-up')
        throw new ConflictError(
          'balance-given-up',
          'An operator has ended this while its balance was owed, to have it paid out: it is not paid here once more',
        );
      throw new ConflictError('renewal-ended', `This renewal is ${state}: there is nothing to agree to`);
    }
    const record = { phase: 'after', act: 'agree to renewal', workflowId: '', numeral: '' } as const;
    await auditLog.append({ ...record, subject: instanceId, details: { operator, card: cardIdText(agreed.newCard) } });
    bells.ring(RENEWAL_BELL);
    return agreed;
  }

  /**
   * Ends one that waits, is looked for or was given up: the issuer named a wrong card, say. Of one that is done or
   * taken it ends the search for the old card: what is left there stays.
   *
   * @param options.cardIsLost the operator's word that the card never comes to which a load that pays the balance was
   *     sent: that load stays open in the ledger, and the balance is given up
   * @throws NotFoundError `no-such-renewal` @throws ConflictError `renewal-under-way` while a flow is at work on it or
   *     on the old card, `load-open` where a load that pays its balance is open, `card-in-service` where its card is
   *     said to be lost and may be loaded, `renewal-ended` for one that is done or taken, with nothing to take off
   */
  async end(instanceId: string, operator: string, { cardIsLost = false } = {}): Promise<void> {
    const ended = await this.#options.database.transaction().execute(async (transaction) => {
      const payment = paymentOf(instanceId);
      const gone = await endRenewal(transaction, instanceId);
      const cleared = gone ?? (await endClearing(transaction, instanceId, payment));
      const lost =
        cleared === undefined && cardIsLost ? await endLostClearing(transaction, instanceId, payment) : undefined;
      if (lost === 'in-service') return lost;
      const renewal = cleared ?? lost;
      if (renewal === undefined) return undefined;
      const act = gone === undefined ? 'end clearing' : 'end renewal';
      const { balance } = renewal;
      const details = {
        operator,
        from: cardIdText(renewal.oldCard),
        card: cardIdText(renewal.newCard),
        ...(balance === undefined ? {} : { amount: String(balance.amount) }),
        ...(lost === undefined ? {} : { loadId: lost.loadId, serial: lost.serial }),
      };
      const record = { phase: 'after', act: lost === undefined ? act : 'give up load', workflowId: '' } as const;
      await appendRecords(transaction, [{ ...record, numeral: '', subject: instanceId, details }]);
      return renewal;
    });
    if (ended === 'in-service')
      throw new ConflictError(
        'card-in-service',
        'The card of the open load may be loaded: have it reported lost, or replaced, before it is said to be lost',
      );
    if (ended !== undefined) return;
    const { state, clearAt, balance } = await this.#known(instanceId);
    if (!cardIsLost && balance?.state === 'debited' && balance.load === 'reserved')
      throw new ConflictError(
        'load-open',
        'Only its card knows whether an open load has paid it: have that card met, or say cardIsLost=true',
      );
    if (state === 'agreed' || clearAt !== undefined)
      throw new ConflictError('renewal-under-way', 'A flow is at work on it: try again later');
    throw new ConflictError('renewal-ended', `This renewal is ${state}: there is nothing to end`);
  }

  async #known(instanceId: string): Promise<Renewal> {
    const known = await findRenewal(this.#options.database, instanceId);
    if (known === undefined) throw new NotFoundError('no-such-renewal', 'No renewal is known of this instance');
    return known;
  }

  async #turn(renewal: DueRenewal): Promise<void> {
    const { database, onFailure } = this.#options;
    const { instanceId, attempts } = renewal;
    try {
      const reader = await this.#readerOf(renewal);
      if (reader === undefined) return;
      const { state, problem } = await this.#bring(renewal, reader);
      if (state === 'failed') return await this.#failed(renewal, problem?.detail ?? problem?.title ?? 'failed');
      const counted = { looks: 0, pauseMs: 0 };
      await settleRenewal(
        database,
        instanceId,
        state === 'done'
          ? { ...counted, attempts: attempts + 1, state }
          : { ...counted, attempts, state: 'agreed', underWay: true },
      );
    } catch (error) {
      onFailure(instanceId, error);
      if (error instanceof TsmError) await this.#failed(renewal, error.message);
    }
  }

  #failed({ instanceId, attempts, looks }: DueRenewal, reason: string): Promise<void> {
    const counted = { attempts: attempts + 1, looks, reason, pauseMs: pauseAfter(attempts % MOST_ATTEMPTS) };
    const state = counted.attempts % MOST_ATTEMPTS === 0 ? 'failed' : 'agreed';
    return settleRenewal(this.#options.database, instanceId, { ...counted, state });
  }

  /** The one that was named, or where the card says that it is. @returns undefined: it is looked for again later */
  async #readerOf({ instanceId, reader, newCard, attempts, looks }: DueRenewal): Promise<Reader | undefined> {
    const { database, placesOf, onFailure } = this.#options;
    if (reader === undefined) {
      const pauseMs = Math.min(LONGEST_LOOK_MS, pauseAfter(looks));
      const away = (reason: string) =>
        settleRenewal(database, instanceId, { state: 'agreed', attempts, looks: looks + 1, pauseMs, reason });
      try {
        const found = (await placesOf(newCard)).find(({ named }) => named);
        if (found === undefined) await away(CARD_AWAY);
        else await keepReader(database, instanceId, found);
        return found;
      } catch (error) {
        // No flow was begun: that nobody knows where the card is says nothing of it.
        onFailure(instanceId, error);
        if (error instanceof TsmError) await away(error.message);
        return undefined;
      }
    }
    await keepReader(database, instanceId, reader);
    return reader;
  }

  /**
   * Terminates what a service has on the old card, as its user could, or brings the balance of a purse over, where the
   * card says that it is there. Looks cost nothing: what is counted are flows that failed.
   */
  async #clear(clearing: DueClearing): Promise<void> {
    const { database, onFailure } = this.#options;
    const { instanceId, tries, owed, isService } = clearing;
    const failed = () =>
      settleClearing(database, instanceId, { tries: tries + 1, looks: 0, pauseMs: pauseAfter(tries) });
    try {
      // One that failed may have paid: its load was settled by another top-up since.
      if (owed !== undefined && (await this.#credited(clearing))) return await settleClearing(database, instanceId);
      const reader = clearing.reader ?? (await this.#clearingReaderOf(clearing));
      if (reader === undefined) return;
      const { state } = isService ? await this.#terminate(clearing, reader) : await this.#moveBalance(clearing, reader);
      if (state === 'failed') return await failed();
      const going = { tries, looks: 0, pauseMs: 0 };
      if (state === 'running') return await settleClearing(database, instanceId, { ...going, underWay: true });
      const goesOn = !isService && (await findPurseMove(database, instanceId))?.state === 'debited';
      await settleClearing(database, instanceId, goesOn ? going : undefined);
    } catch (error) {
      // Its user has terminated it.
      if (isService && error instanceof NotFoundError) return settleClearing(database, instanceId);
      onFailure(instanceId, error);
      if (error instanceof TsmError) await failed();
    }
  }

  async #terminate({ instanceId, tries }: DueClearing, { terminalId, readerName }: Reader): Promise<Progress> {
    const { processes } = this.#options;
    const id = requestIdOf(`${CALLER} clear ${instanceId} ${terminalId} ${readerName}`, String(tries));
    const body = { terminalId, readerName, request: { operation: 'termination' } } as const;
    await processes.start(id, CALLER, instanceId, body, requireTerminated);
    return refused(await processes.state(id, { waitMs: TURN_MS, afterStep: Number.MAX_SAFE_INTEGER }));
  }

  /** Off the old purse first; what is owed then goes onto the new one by a load that is paid once, however many try. */
  async #moveBalance(clearing: DueClearing, { terminalId, readerName }: Reader): Promise<Progress> {
    const { productFlows } = this.#options;
    const { instanceId, productId, oldCard, newCard, owed: amount, tries } = clearing;
    const wait = { waitMs: TURN_MS, afterStep: Number.MAX_SAFE_INTEGER };
    const act = amount === undefined ? 'debit' : 'credit';
    const id = requestIdOf(`${CALLER} ${act} ${instanceId} ${terminalId} ${readerName}`, String(tries));
    const reader = { terminalId, readerName };
    if (amount === undefined) {
      await productFlows.startBalanceMove(id, CALLER, { productId, cardId: oldCard, ...reader });
      return refused(await productFlows.balanceMove(id, wait));
    }
    await productFlows.startPayment(
      id,
      CALLER,
      { productId, cardId: newCard, amount, ...reader },
      paymentOf(instanceId),
    );
    const credit = refused(await productFlows.topUp(id, wait));
    return credit.state === 'done' && !(await this.#credited(clearing)) ? { state: 'failed' } : credit;
  }

  /** Whether the load that pays what is owed is done. */
  async #credited({ instanceId, oldCard, newCard, owed }: DueClearing): Promise<boolean> {
    const { database } = this.#options;
    return database.transaction().execute(async (transaction) => {
      if (!(await settleCredit(transaction, instanceId, paymentOf(instanceId)))) return false;
      const details = { amount: String(owed), from: cardIdText(oldCard), card: cardIdText(newCard) };
      const record = { phase: 'after', act: 'move balance', workflowId: '', numeral: 'M2' } as const;
      await appendRecords(transaction, [{ ...record, subject: instanceId, details }]);
      return true;
    });
  }

  /**
   * Where the old card says that it is, or the new one to which a balance is owed.
   *
   * @returns undefined: it is looked for again later, or it is to be let be
   */
  async #clearingReaderOf(clearing: DueClearing): Promise<Reader | undefined> {
    const { instanceId, oldCard, newCard, owed, tries, looks } = clearing;
    const { database, placesOf, onFailure } = this.#options;
    const away = { tries, looks: looks + 1, pauseMs: pauseAfter(looks), away: true };
    try {
      const found = (await placesOf(owed === undefined ? oldCard : newCard)).find(({ named }) => named);
      if (found !== undefined) return (await keepClearingReader(database, instanceId, found)) ? found : undefined;
    } catch (error) {
      onFailure(instanceId, error);
      if (!(error instanceof TsmError)) return undefined;
    }
    await settleClearing(database, instanceId, away);
    return undefined;
  }

  /** The path of a user's own deployment: the same flows, under names that a second turn finds again. */
  async #bring(renewal: DueRenewal, { terminalId, readerName }: Reader): Promise<Progress> {
    const { instanceId, versionTag, attempts } = renewal;
    const reader = { terminalId, readerName };
    const id = requestIdOf(`${CALLER} ${instanceId} ${terminalId} ${readerName}`, String(attempts));
    return versionTag === undefined
      ? this.#bringProduct(id, renewal, reader)
      : this.#bringService(id, { ...renewal, versionTag }, reader);
  }

  async #bringService(
    id: string,
    { productId, newCard, versionTag, suspended }: DueRenewal & { readonly versionTag: string },
    reader: Reader,
  ): Promise<Progress> {
    const { processes, instances } = this.#options;
    const { serviceInstanceId, state } = await instances.provide(productId, versionTag, newCard);
    if (DEPLOYED.includes(state)) return { state: 'done' };
    const request = { operation: 'deploy', commands: ['I', 'P', 'A'], finalize: true } as const;
    const control = suspended ? { suspensionControl: true } : {};
    const body = { ...reader, request: { ...request, commands: [...request.commands], ...control } };
    await processes.start(id, CALLER, serviceInstanceId, body);
    return refused(await processes.state(id, { waitMs: TURN_MS, afterStep: Number.MAX_SAFE_INTEGER }));
  }

  async #bringProduct(id: string, { productId, newCard }: DueRenewal, reader: Reader): Promise<Progress> {
    const { database, keyDistributions, productFlows, keySizeBits } = this.#options;
    const wait = { waitMs: TURN_MS, afterStep: Number.MAX_SAFE_INTEGER };
    if (DEPLOYED.includes((await findInstance(database, productId, newCard))?.state ?? 0)) return { state: 'done' };
    if ((await findSecurityDomainRow(database, newCard))?.state !== 'certified') {
      const keysId = requestIdOf(id, 'keys');
      await keyDistributions.start(keysId, CALLER, { ...reader, keySizeBits }, newCard);
      const keys = await keyDistributions.state(keysId, wait);
      if (keys.state !== 'done' || keys.problem !== undefined) return refused(keys);
    }
    await productFlows.startDeployment(id, CALLER, { productId, ...reader }, newCard);
    return refused(await productFlows.deployment(id, wait));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#working;
  }
}

/** A flow that was refused has come to its end, and brought nothing. */
const refused = ({ state, problem }: Progress): Progress =>
  problem === undefined ? { state } : { state: 'failed', problem };

const paymentOf = (instanceId: string): string => `${PAYMENTS}${instanceId}`;

/** The issuer may have taken its word back. @throws ConflictError `not-terminated` */
function requireTerminated({ productState }: DeployedService): void {
  if (productState === 'TERMINATED') return;
  throw new ConflictError('not-terminated', `The product is ${productState} on the old card: it stays there`);
}

const pauseAfter = (count: number): number => Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(count, 20));

// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { ConflictError, NotFoundError, TsmError } from '../../errors.ts';
import { type AuditLog, appendRecords } from '../../store/audit-log.ts';
import type { Bells } from '../../store/bells.ts';
import { cardIdText } from '../../store/card-id.ts';
import {
  agreeToRenewal,
  CARD_AWAY,
  claimClearings,
  claimRenewals,
  type DueClearing,
  type DueRenewal,
  endRenewal,
  findRenewal,
  keepReader,
  listRenewals,
  type RenewalQuery,
  settleClearing,
  settleRenewal,
} from '../../store/provider/renewals.ts';
import type { ProviderTables } from '../../store/provider/schema.ts';
import { findSecurityDomainRow } from '../../store/provider/security-domains.ts';
import { findInstance } from '../../store/provider/service-instances.ts';
import { requestIdOf } from '../../store/request-log.ts';
import type { KeySizeBits } from '../../wire/gp/generate-key-pair.ts';
import type { CardPlace } from '../../wire/message/card-script.ts';
import type { CardId, Problem } from '../../wire/message/common.ts';
import { type AgreeToRenewal, INSTANCE_STATE, type Renewal } from '../../wire/message/platform.ts';
import type { KeyDistributions } from './key-distributions.ts';
import type { ProductFlows } from './product-flows.ts';
import type { ServiceInstances } from './services/service-instances.ts';
import type { ServiceProcesses } from './services/service-processes.ts';

/** Brings what a replaced card had onto the card that took its place, with keys of its own, when that is reached. */

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
/** Looks for the old card and terminations there, the later ones an hour apart: it is given up after a month. */
const MOST_CLEARINGS = 730;
const CALLER = 'renewal';
const DEPLOYED: readonly number[] = [INSTANCE_STATE.OPERATIONAL, INSTANCE_STATE.SUSPENDED];

export interface RenewalsOptions {
  readonly database: Kysely<ProviderTables>;
  readonly auditLog: AuditLog;
  readonly bells: Bells;
  readonly keyDistributions: Pick<KeyDistributions, 'start' | 'state'>;
  readonly productFlows: Pick<ProductFlows, 'startDeployment' | 'deployment'>;
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
  readonly #working: Promise<void>;

  /** Begins to work. */
  constructor(options: RenewalsOptions) {
    this.#options = options;
    this.#working = this.#work();
  }

  /** @throws NotFoundError `no-such-renewal` when the last of the page before was ended or forgotten meanwhile */
  async list(query: RenewalQuery): Promise<Renewal[]> {
    if (query.after !== undefined) await this.#known(query.after);
    return listRenewals(this.#options.database, query);
  }

  /**
   * An operator's word that the new card is the same user's.
   *
   * @throws NotFoundError `no-such-renewal` @throws ConflictError `renewal-ended` for one that is done, or whose new
   *     card has the product of its own; `other-renewal` while another one brings the product onto that card
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
      const { state } = await this.#known(instanceId);
      throw new ConflictError('renewal-ended', `This renewal is ${state}: there is nothing to agree to`);
    }
    const record = { phase: 'after', act: 'agree to renewal', workflowId: '', numeral: '' } as const;
    await auditLog.append({ ...record, subject: instanceId, details: { operator, card: cardIdText(agreed.newCard) } });
    bells.ring(RENEWAL_BELL);
    return agreed;
  }

  /**
   * Ends one that waits, is looked for or was given up: the issuer named a wrong card, say.
   *
   * @throws NotFoundError `no-such-renewal` @throws ConflictError `renewal-under-way` while a flow is at work on it,
   *     `renewal-ended` for one that is done or taken
   */
  async end(instanceId: string, operator: string): Promise<void> {
    const ended = await this.#options.database.transaction().execute(async (transaction) => {
      const renewal = await endRenewal(transaction, instanceId);
      if (renewal === undefined) return undefined;
      const details = { operator, from: cardIdText(renewal.oldCard), card: cardIdText(renewal.newCard) };
      const record = { phase: 'after', act: 'end renewal', workflowId: '', numeral: '' } as const;
      await appendRecords(transaction, [{ ...record, subject: instanceId, details }]);
      return renewal;
    });
    if (ended !== undefined) return;
    const { state } = await this.#known(instanceId);
    if (state === 'agreed') throw new ConflictError('renewal-under-way', 'A flow is at work on it: try again later');
    throw new ConflictError('renewal-ended', `This renewal is ${state}: there is nothing to end`);
  }

  async #known(instanceId: string): Promise<Renewal> {
    const known = await findRenewal(this.#options.database, instanceId);
    if (known === undefined) throw new NotFoundError('no-such-renewal', 'No renewal is known of this instance');
    return known;
  }

  async #work(): Promise<void> {
    const { bells, database, onFailure } = this.#options;
    while (!this.#stop.signal.aborted) {
      const rung = bells.heard(RENEWAL_BELL, LOOK_MS, this.#stop.signal);
      try {
        const claim = { claimMs: CLAIM_MS, atOnce: AT_ONCE };
        const [due, left] = [await claimRenewals(database, claim), await claimClearings(database, claim)];
        await Promise.all([...due.map((renewal) => this.#turn(renewal)), ...left.map((one) => this.#clear(one))]);
        if (due.length + left.length > 0) continue;
      } catch (error) {
        // The database is away: claims end by themselves.
        onFailure('', error);
      }
      await rung;
    }
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

  /** Terminates what a service has on the old card, as its user could, where that card says that it is there. */
  async #clear({ instanceId, oldCard, tries }: DueClearing): Promise<void> {
    const { database, placesOf, processes, onFailure } = this.#options;
    const again = (away = false) =>
      tries + 1 < MOST_CLEARINGS
        ? settleClearing(database, instanceId, { tries: tries + 1, pauseMs: pauseAfter(tries), away })
        : settleClearing(database, instanceId);
    try {
      const found = (await placesOf(oldCard)).find(({ named }) => named);
      if (found === undefined) return await again(true);
      const { terminalId, readerName } = found;
      const id = requestIdOf(`${CALLER} clear ${instanceId}`, String(tries));
      await processes.start(id, CALLER, instanceId, { terminalId, readerName, request: { operation: 'termination' } });
      const { state } = refused(await processes.state(id, { waitMs: TURN_MS, afterStep: Number.MAX_SAFE_INTEGER }));
      if (state === 'failed') return await again();
      await settleClearing(database, instanceId, state === 'done' ? undefined : { tries, pauseMs: 0 });
    } catch (error) {
      // Its user has terminated it.
      if (error instanceof NotFoundError) return settleClearing(database, instanceId);
      onFailure(instanceId, error);
      if (error instanceof TsmError) await again();
    }
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

const pauseAfter = (count: number): number => Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(count, 20));

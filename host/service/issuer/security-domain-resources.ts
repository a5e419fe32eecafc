// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';
import { ConflictError, InvariantError, LifeCycleError, NotFoundError } from '../../errors.ts';
import type { AuditLog } from '../../store/audit-log.ts';
import { cardIdOfText } from '../../store/card-id.ts';
import type { IssuerTables } from '../../store/issuer/schema.ts';
import { cardOfKind } from '../../store/issuer/secure-elements.ts';
import { takeKeyBlob } from '../../store/issuer/security-domain-requests.ts';
import {
  addResource,
  beginDeletion,
  confirmRotation,
  findResource,
  handOver,
  mayHaveLeft,
  type ResourceRow,
} from '../../store/issuer/security-domain-resources.ts';
import type { SecurityDomainRequestState } from '../../wire/message/key-distribution.ts';
import type {
  ApduExchange,
  ApduExchangeResult,
  CreateSecurityDomain,
  KeyBlob,
  SecurityDomainResource,
  SecurityDomainState,
} from '../../wire/message/security-domain-resource.ts';
import { type DomainStart, FOUND_BY_ID, type IssuerStart } from '../../workflow/key-distribution/issuer-context.ts';
import type { ApplicationRequests } from './application-requests.ts';
import type { Applications } from './applications.ts';
import { type CardWays, ownOta, readerOf } from './card-ways.ts';
import { DomainExchanges } from './domain-exchanges.ts';

/** Security domains as resources of foreign TSMs, over what our own providers ask for at 42. */
export interface SecurityDomainResourcesOptions {
  readonly database: Kysely<IssuerTables>;
  readonly applications: Applications;
  readonly requests: ApplicationRequests;
  readonly ways: CardWays;
  readonly auditLog: Pick<AuditLog, 'append'>;
}

export class SecurityDomainResources {
  readonly #database: Kysely<IssuerTables>;
  readonly #options: SecurityDomainResourcesOptions;
  readonly #exchanges: DomainExchanges;

  constructor(options: SecurityDomainResourcesOptions) {
    const { database, ways, auditLog } = options;
    this.#options = options;
    this.#database = database;
    this.#exchanges = new DomainExchanges(database, ways, auditLog);
  }

  get #applications(): Applications {
    return this.#options.applications;
  }

  /**
   * The same key and body give the same one.
   *
   * @throws NotFoundError `card-unknown`
   * @throws PolicyError at 43, and `no-own-transport`, before the card is touched
   */
  async create(id: string, caller: string, body: CreateSecurityDomain): Promise<SecurityDomainResource> {
    const { secureElement, sdAid: ssdAid, keyProvisioning, transport, privileges, memory } = body;
    const card = await cardOfKind(this.#database, secureElement.type.toLowerCase(), secureElement.value);
    if (transport.kind === 'ota') ownOta(this.#options.ways);
    // The issuer's own session is owned by the request.
    const relayId = transport.kind === 'ota' ? id : transport.relayId;
    const reader = transport.kind === 'ota' ? (readerOf(transport) ?? FOUND_BY_ID) : undefined;
    const named = { providerId: caller, cardId: cardIdOfText(card), ssdAid, relayId };
    const wished = { ...(privileges === undefined ? {} : { privileges }), ...(memory === undefined ? {} : { memory }) };
    const [request, keys] = requestOf(named, keyProvisioning);
    await this.#applications.requestSecurityDomain(id, caller, request, {
      ...(reader === undefined ? {} : { reader }),
      ...(Object.keys(wished).length === 0 ? {} : { wished }),
      ...keys,
    });
    await addResource(this.#database, id, caller, { card, ssdAid, transport });
    return this.get(id, caller, 0);
  }

  /** @throws NotFoundError `no-such-security-domain`, for another TSM's too */
  async get(id: string, caller: string, waitMs: number): Promise<SecurityDomainResource> {
    const before = await this.#own(id, caller);
    const { deletionId } = before;
    if (before.proof === undefined) await this.#deletion(deletionId, caller, waitMs);
    const state = await this.#applications.state(id, caller, { waitMs: deletionId === undefined ? waitMs : 0 });
    const marks = deletionId === undefined ? before : await this.#own(id, caller);
    const { proof } = marks;
    if (proof !== undefined) return { id, state: 'DELETED', deletion: { state: 'done', proof } };
    return { ...resourceOf(id, state, marks), ...(await this.#deletion(marks.deletionId, caller, 0)) };
  }

  /** How far the deletion is; nothing where none was asked for, or where its flow is forgotten. */
  async #deletion(
    flow: string | undefined,
    caller: string,
    waitMs: number,
  ): Promise<Pick<SecurityDomainResource, 'deletion'>> {
    if (flow === undefined) return {};
    try {
      const wait = { waitMs, afterStep: Number.POSITIVE_INFINITY };
      const { state, problem } = await this.#options.requests.state(flow, caller, wait);
      return { deletion: { state, ...(problem === undefined ? {} : { problem }) } };
    } catch (error) {
      if (error instanceof NotFoundError) return {};
      throw error;
    }
  }

  /**
   * Has the domain deleted on its card, also what a request left there that failed behind INSTALL. Again is no error:
   * one that failed begins anew.
   *
   * @throws LifeCycleError `security-domain-state` for one that was never made
   * @throws PolicyError at E3, before the card is touched
   */
  async remove(id: string, caller: string): Promise<SecurityDomainResource> {
    const { proof, way, session } = await this.#own(id, caller);
    const now = await this.get(id, caller, 0);
    if (proof !== undefined || now.deletion?.state === 'running') return now;
    if (way === undefined) throw notReady();
    const left = now.state === 'FAILED' && (await mayHaveLeft(this.#database, id, caller, way));
    if (!left && !MADE.includes(now.state)) throw notReady();
    const { card, ssdAid, transport } = way;
    const flow = randomUUID();
    await this.#exchanges.giveBack(id, way, session);
    await this.#options.requests.removeDomain(flow, caller, { cardId: cardIdOfText(card), ssdAid, transport });
    // Two at once are two flows: each looks at the card first, and one of them finds the domain gone.
    await beginDeletion(this.#database, id, flow);
    await this.#record('delete security domain', id, caller);
    return this.get(id, caller, 0);
  }

  /** @throws LifeCycleError `security-domain-state` for one that is not on the card @throws as `DomainExchanges` */
  async exchange(id: string, caller: string, body: ApduExchange): Promise<ApduExchangeResult> {
    const own = await this.#own(id, caller);
    const { state, deletion } = await this.get(id, caller, 0);
    if (!MADE.includes(state) || deletion?.state === 'running') throw notReady();
    return this.#exchanges.exchange(id, caller, own, body);
  }

  /**
   * What was made on the card, once.
   *
   * @throws LifeCycleError `security-domain-state` while there is none @throws ConflictError `key-blob-taken`
   */
  async keyBlob(id: string, caller: string): Promise<KeyBlob> {
    if ((await this.#own(id, caller)).proof !== undefined) throw notReady();
    const { state, report } = await this.#applications.state(id, caller, { waitMs: 0 });
    if (state !== 'done') throw notReady();
    const blob = await this.#database.transaction().execute(async (transaction: Kysely<IssuerTables>) => {
      if (await handOver(transaction, id)) return report ?? takeKeyBlob(transaction, id);
      throw new ConflictError('key-blob-taken', 'The key blob is given once: read the public key from the card');
    });
    await this.#record('hand over security domain', id, caller);
    if (blob !== undefined) return blob;
    throw new InvariantError('key-blob', 'A domain was made without anything to hand over');
  }

  /** The first pair is dead. Again is no error. @throws LifeCycleError `security-domain-state` before the hand-over */
  async confirmRotation(id: string, caller: string): Promise<SecurityDomainResource> {
    const { proof } = await this.#own(id, caller);
    if (proof !== undefined || !(await confirmRotation(this.#database, id))) throw notReady();
    await this.#record('confirm rotation', id, caller);
    return this.get(id, caller, 0);
  }

  async #own(id: string, caller: string) {
    const marks = await findResource(this.#database, id, caller);
    if (marks !== undefined) return marks;
    throw new NotFoundError('no-such-security-domain', 'You have no security domain of this id');
  }

  async #record(act: string, subject: string, provider: string): Promise<void> {
    await this.#options.auditLog.append({
      act,
      subject,
      workflowId: subject,
      numeral: '',
      phase: 'after',
      details: { provider },
    });
  }
}

/** What the flow is asked for, by how the owner gets keys. */
function requestOf(
  named: DomainStart['request'],
  keyProvisioning: CreateSecurityDomain['keyProvisioning'],
): readonly [IssuerStart['request'] | DomainStart['request'], Pick<DomainStart, 'keys'>] {
  if (keyProvisioning.mode === 'CASD_PULL') {
    const { keySizeBits, applicationProviderId, trustPoint } = keyProvisioning;
    return [{ ...named, keySizeBits, applicationProviderId, trustPoint }, {}];
  }
  const { keyIndex, keyVersion = '30', lengthBits = 128 } = keyProvisioning;
  return [named, { keys: { keyIndex, keyVersion, lengthBits } }];
}

const MADE: readonly SecurityDomainState[] = ['KEYED', 'HANDED_OVER', 'ROTATED'];

const notReady = () =>
  new LifeCycleError('security-domain-state', 'The state of the security domain does not allow this: look at it');

function resourceOf(
  id: string,
  { state, steps, problem }: SecurityDomainRequestState,
  { handedOver, rotated }: Pick<ResourceRow, 'handedOver' | 'rotated'>,
): SecurityDomainResource {
  if (problem !== undefined)
    return { id, state: 'FAILED', error: { executionStatus: 16, name: 'ISSUER_ERROR', problem } };
  if (state === 'running') {
    const touched = steps.filter(({ apdus }) => apdus > 0);
    const created = touched.some(({ numeral }) => numeral === '47');
    return { id, state: created ? 'CREATED' : touched.length > 0 ? 'REACHING' : 'REQUESTED' };
  }
  const made: SecurityDomainState = rotated ? 'ROTATED' : handedOver ? 'HANDED_OVER' : 'KEYED';
  return { id, state: made };
}

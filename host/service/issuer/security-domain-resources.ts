// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { ConflictError, LifeCycleError, NotFoundError } from '../../errors.ts';
import type { AuditLog } from '../../store/audit-log.ts';
import { cardIdOfText } from '../../store/card-id.ts';
import type { IssuerTables } from '../../store/issuer/schema.ts';
import { cardOfKind } from '../../store/issuer/secure-elements.ts';
import { addResource, confirmRotation, findResource, handOver } from '../../store/issuer/security-domain-resources.ts';
import type { SecurityDomainRequestState } from '../../wire/message/key-distribution.ts';
import type {
  CreateSecurityDomain,
  KeyBlob,
  SecurityDomainResource,
  SecurityDomainState,
} from '../../wire/message/security-domain-resource.ts';
import type { Applications } from './applications.ts';

/** Security domains as resources of foreign TSMs, over what our own providers ask for at 42. */
export class SecurityDomainResources {
  readonly #database: Kysely<IssuerTables>;
  readonly #applications: Applications;
  readonly #auditLog: Pick<AuditLog, 'append'>;

  constructor(database: Kysely<IssuerTables>, applications: Applications, auditLog: Pick<AuditLog, 'append'>) {
    this.#database = database;
    this.#applications = applications;
    this.#auditLog = auditLog;
  }

  /**
   * The same key and body give the same one.
   *
   * @throws NotFoundError `card-unknown` @throws PolicyError at 43, before the card is touched
   */
  async create(id: string, caller: string, body: CreateSecurityDomain): Promise<SecurityDomainResource> {
    const { secureElement, sdAid: ssdAid, keyProvisioning, transport } = body;
    const card = await cardOfKind(this.#database, secureElement.type.toLowerCase(), secureElement.value);
    const { keySizeBits, applicationProviderId, trustPoint } = keyProvisioning;
    const state = await this.#applications.request(id, caller, {
      ...{ providerId: caller, cardId: cardIdOfText(card), ssdAid, relayId: transport.relayId },
      ...{ keySizeBits, applicationProviderId, trustPoint },
    });
    await addResource(this.#database, id, caller);
    return resourceOf(id, state, { handedOver: false, rotated: false });
  }

  /** @throws NotFoundError `no-such-security-domain`, for another TSM's too */
  async get(id: string, caller: string, waitMs: number): Promise<SecurityDomainResource> {
    const marks = await this.#own(id, caller);
    return resourceOf(id, await this.#applications.state(id, caller, { waitMs }), marks);
  }

  /**
   * What was made on the card, once.
   *
   * @throws LifeCycleError `security-domain-state` while there is none @throws ConflictError `key-blob-taken`
   */
  async keyBlob(id: string, caller: string): Promise<KeyBlob> {
    await this.#own(id, caller);
    const { report } = await this.#applications.state(id, caller, { waitMs: 0 });
    if (report === undefined) throw notReady();
    if (!(await handOver(this.#database, id)))
      throw new ConflictError('key-blob-taken', 'The key blob is given once: read the public key from the card');
    await this.#record('hand over security domain', id, caller);
    return report;
  }

  /** The first pair is dead. Again is no error. @throws LifeCycleError `security-domain-state` before the hand-over */
  async confirmRotation(id: string, caller: string): Promise<SecurityDomainResource> {
    await this.#own(id, caller);
    if (!(await confirmRotation(this.#database, id))) throw notReady();
    await this.#record('confirm rotation', id, caller);
    return this.get(id, caller, 0);
  }

  async #own(id: string, caller: string) {
    const marks = await findResource(this.#database, id, caller);
    if (marks !== undefined) return marks;
    throw new NotFoundError('no-such-security-domain', 'You have no security domain of this id');
  }

  async #record(act: string, subject: string, provider: string): Promise<void> {
    await this.#auditLog.append({
      ...{ act, subject, workflowId: subject, numeral: '', phase: 'after', details: { provider } },
    });
  }
}

const notReady = () =>
  new LifeCycleError('security-domain-state', 'The security domain is not so far yet: look at its state');

function resourceOf(
  id: string,
  { state, steps, problem }: SecurityDomainRequestState,
  { handedOver, rotated }: { readonly handedOver: boolean; readonly rotated: boolean },
): SecurityDomainResource {
  if (problem !== undefined)
    return { id, state: 'FAILED', error: { executionStatus: 16, name: 'ISSUER_ERROR', problem } };
  if (state === 'running') return { id, state: steps.some(({ apdus }) => apdus > 0) ? 'REACHING' : 'REQUESTED' };
  const made: SecurityDomainState = rotated ? 'ROTATED' : handedOver ? 'HANDED_OVER' : 'KEYED';
  return { id, state: made };
}

// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { LifeCycleError } from '../../errors.ts';
import { type AuditLog, appendRecords } from '../../store/audit-log.ts';
import type { IssuerTables } from '../../store/issuer/schema.ts';
import {
  cardOfName,
  findAttributes,
  findSecureElement,
  lockCard,
  moveCard,
  putAttributes,
} from '../../store/issuer/secure-elements.ts';
import { findSeen } from '../../store/issuer/seen-registry.ts';
import type {
  MoveSecureElement,
  ProductAttributes,
  SecureElement,
  SeenRegistry,
} from '../../wire/message/secure-elements.ts';
import { requireMove } from './secure-element-life-cycle.ts';

/** Secure elements of the issuer: where each is in its life, and what that means for the products on it. */
export class SecureElements {
  readonly #database: Kysely<IssuerTables>;
  readonly #auditLog: AuditLog;
  readonly #ring: () => void;

  /** @param ring wakes whoever hands changes on to providers */
  constructor(database: Kysely<IssuerTables>, auditLog: AuditLog, ring: () => void) {
    this.#database = database;
    this.#auditLog = auditLog;
    this.#ring = ring;
  }

  /** @throws NotFoundError */
  find(name: string): Promise<SecureElement> {
    return findSecureElement(this.#database, name);
  }

  /** Applications, load files and memory as last seen. @throws NotFoundError */
  async registry(name: string): Promise<SeenRegistry> {
    return findSeen(this.#database, await cardOfName(this.#database, name));
  }

  /**
   * Makes a legal move; to stay is no error.
   *
   * @throws LifeCycleError `secure-element-state`, `replaced-by` @throws NotFoundError
   */
  async move(name: string, request: MoveSecureElement, caller: string): Promise<SecureElement> {
    const { state: to, replacedBy, reason = '' } = request;
    if (replacedBy !== undefined && to !== 'REPLACED')
      throw new LifeCycleError(
        'replaced-by',
        'Only a secure element that becomes REPLACED has one that takes its place',
      );
    const moved = await this.#database.transaction().execute(async (transaction) => {
      const card = await cardOfName(transaction, name);
      const from = await lockCard(transaction, card);
      if (from === to) return false;
      requireMove(from, to);
      await moveCard(transaction, card, { to, ...(replacedBy === undefined ? {} : { replacedBy }) });
      const record = { act: 'move secure element', subject: card, workflowId: '', numeral: '' };
      await appendRecords(transaction, [
        { ...record, phase: 'after', details: { operator: caller, from, to, reason } },
      ]);
      return true;
    });
    if (moved) this.#ring();
    return this.find(name);
  }

  /** @throws NotFoundError */
  attributes(name: string, productId: string): Promise<ProductAttributes> {
    return findAttributes(this.#database, name, productId);
  }

  /** @throws NotFoundError @throws ConflictError `attributes-changed` */
  async putAttributes(name: string, productId: string, attributes: ProductAttributes, caller: string): Promise<void> {
    await putAttributes(this.#database, name, productId, attributes);
    const record = { act: 'change product attributes', subject: `${name} ${productId}` };
    const details = { operator: caller, version: attributes.version + 1 };
    await this.#auditLog.append({ ...record, workflowId: '', numeral: '', phase: 'after', details });
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { ConflictError, NotFoundError, PolicyError, SecureChannelError } from '../../errors.ts';
import type { AuditLog } from '../../store/audit-log.ts';
import { cardIdText } from '../../store/card-id.ts';
import { ledgerOf, listLoads, recordPurchase } from '../../store/provider/loads.ts';
import type { ProviderTables } from '../../store/provider/schema.ts';
import { findInstanceOfSerial, listInstances } from '../../store/provider/service-instances.ts';
import { applySnapshot, applyStateChange } from '../../store/provider/state-changes.ts';
import type { CardId } from '../../wire/message/common.ts';
import type {
  Ledger,
  Load,
  ProductStateChange,
  ProductStateSnapshot,
  ServiceInstance,
} from '../../wire/message/platform.ts';
import type { Purchase } from '../../wire/message/purse.ts';
import type { PurseKms } from '../../workflow/ports.ts';

/** What purchases are verified with. */
export interface Purses {
  readonly kms: Pick<PurseKms, 'verifyPurchase'>;
  readonly products: readonly { readonly productId: string; readonly keySet: string }[];
}

/** Service instances with what the issuer says of their products, and the ledger of their purses. */
export class ProductStates {
  readonly #database: Kysely<ProviderTables>;
  readonly #auditLog: AuditLog;
  readonly #issuerId: string;
  readonly #purses: Purses;

  constructor(database: Kysely<ProviderTables>, auditLog: AuditLog, issuerId: string, purses: Purses) {
    this.#database = database;
    this.#auditLog = auditLog;
    this.#issuerId = issuerId;
    this.#purses = purses;
  }

  /** B6: a change that was taken before is acknowledged again. @throws ConflictError `sequence-gap`, `other-history` */
  async change(change: ProductStateChange, caller: string): Promise<void> {
    this.#requireIssuer(caller);
    if (!(await applyStateChange(this.#database, change))) return;
    const { eventId, cardId, productId, from, to, sequence, replacedBy } = change;
    await this.#auditLog.append({
      phase: 'after',
      act: 'product state',
      subject: `${cardIdText(cardId)} ${productId}`,
      workflowId: eventId,
      numeral: 'B6',
      details: { from, to, sequence, ...(replacedBy === undefined ? {} : { replacedBy: cardIdText(replacedBy) }) },
    });
  }

  /** B6 after one of the two databases was restored. */
  async put(cardId: CardId, snapshot: ProductStateSnapshot, caller: string): Promise<void> {
    this.#requireIssuer(caller);
    const counts = await applySnapshot(this.#database, cardId, snapshot);
    const record = { phase: 'after', act: 'product states', workflowId: '', numeral: 'B6' } as const;
    const { reason, sequence } = snapshot;
    const details = { reason, sequence, ...counts };
    await this.#auditLog.append({ ...record, subject: cardIdText(cardId), details });
  }

  #requireIssuer(caller: string): void {
    if (caller !== this.#issuerId)
      throw new PolicyError('not-our-issuer', 'Only our own issuer changes states of products');
  }

  async instances(): Promise<ServiceInstance[]> {
    return listInstances(this.#database);
  }

  /**
   * Books a purchase that a terminal brings; the same one again changes nothing.
   *
   * @throws NotFoundError `no-such-purse` @throws SecureChannelError `purse-tac` @throws ConflictError
   *     `purchase-differs`
   */
  async collect({ productId, ...purchase }: Purchase): Promise<void> {
    const { kms, products } = this.#purses;
    const product = products.find((known) => known.productId === productId);
    const instance = await findInstanceOfSerial(this.#database, purchase.serial);
    if (product === undefined || instance?.productId !== productId)
      throw new NotFoundError('no-such-purse', 'There is no purse of this serial and product');
    const { verified } = await kms.verifyPurchase({ keySet: product.keySet, account: 'purse', ...purchase });
    if (!verified) throw new SecureChannelError('purse-tac', 'The TAC of this purchase does not verify');
    if (!(await recordPurchase(this.#database, purchase)))
      throw new ConflictError('purchase-differs', 'This terminal has brought another purchase under this counter');
  }

  loads(page: Parameters<typeof listLoads>[1]): Promise<Load[]> {
    return listLoads(this.#database, page);
  }

  /** @throws NotFoundError */
  async ledger(serial: string): Promise<Ledger> {
    if ((await findInstanceOfSerial(this.#database, serial)) === undefined)
      throw new NotFoundError('no-such-purse', 'There is no purse of this serial');
    return ledgerOf(this.#database, serial);
  }
}

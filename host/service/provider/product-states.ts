import type { Kysely } from 'kysely';
import { NotFoundError, PolicyError } from '../../errors.ts';
import type { AuditLog } from '../../store/audit-log.ts';
import { cardIdText } from '../../store/card-id.ts';
import { ledgerOf } from '../../store/provider/loads.ts';
import type { ProviderTables } from '../../store/provider/schema.ts';
import { applyStateChange, findInstanceOfSerial, listInstances } from '../../store/provider/service-instances.ts';
import type { Ledger, ProductStateChange, ServiceInstance } from '../../wire/message/platform.ts';

/** Service instances with what the issuer says of their products, and the ledger of their purses. */
export class ProductStates {
  readonly #database: Kysely<ProviderTables>;
  readonly #auditLog: AuditLog;
  readonly #issuerId: string;

  constructor(database: Kysely<ProviderTables>, auditLog: AuditLog, issuerId: string) {
    this.#database = database;
    this.#auditLog = auditLog;
    this.#issuerId = issuerId;
  }

  /** B6: a change that was taken before is acknowledged again. @throws ConflictError `sequence-gap` */
  async change(change: ProductStateChange, caller: string): Promise<void> {
    if (caller !== this.#issuerId)
      throw new PolicyError('not-our-issuer', 'Only our own issuer changes states of products');
    if (!(await applyStateChange(this.#database, change))) return;
    const { eventId, cardId, productId, from, to, sequence } = change;
    await this.#auditLog.append({
      ...{
        phase: 'after',
        act: 'product state',
        subject: `${cardIdText(cardId)} ${productId}`,
        workflowId: eventId,
        numeral: 'B6',
      },
      details: { from, to, sequence },
    });
  }

  async instances(): Promise<ServiceInstance[]> {
    return listInstances(this.#database);
  }

  /** @throws NotFoundError */
  async ledger(serial: string): Promise<Ledger> {
    if ((await findInstanceOfSerial(this.#database, serial)) === undefined)
      throw new NotFoundError('no-such-purse', 'There is no purse of this serial');
    return ledgerOf(this.#database, serial);
  }
}

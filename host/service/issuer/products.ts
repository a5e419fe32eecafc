// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { InvariantError, NotFoundError } from '../../errors.ts';
import type { AuditLog } from '../../store/audit-log.ts';
import { cardIdOfText } from '../../store/card-id.ts';
import {
  closeLossReport,
  findLossReport,
  listCardProducts,
  listProducts,
  providerOfProduct,
  putProduct,
  releasePermit,
  takePermit,
} from '../../store/issuer/card-products.ts';
import { listLossReports } from '../../store/issuer/loss-report-list.ts';
import type { IssuerTables } from '../../store/issuer/schema.ts';
import { claimIdempotencyKey, type RequestTables } from '../../store/request-log.ts';
import type { CardId } from '../../wire/message/common.ts';
import type {
  CardProduct,
  LossReport,
  LossReportEntry,
  Permit,
  RegisteredProduct,
  StartLossReport,
  TakePermit,
} from '../../wire/message/platform.ts';
import { admit } from '../../workflow/engine/run.ts';
import type { LossReportContext } from '../../workflow/loss-report/context.ts';
import { lossReportSteps } from '../../workflow/loss-report.ts';

/** Products on cards, loss reports, and the permits that keep both in step. */

/** How long a provider may take from its question to the card's answer. */
export const PERMIT_MS = 8_000;
const PAUSE_MS = 50;

export interface ProductsOptions {
  readonly database: Kysely<IssuerTables>;
  readonly auditLog: AuditLog;
  readonly ring: () => void;
  /** Default `PERMIT_MS`. */
  readonly permitMs?: number;
}

export class Products {
  readonly #options: ProductsOptions;

  constructor(options: ProductsOptions) {
    this.#options = options;
  }

  /** @throws ConflictError `product-taken` */
  async put(productId: string, providerId: string, caller: string): Promise<void> {
    const { database, auditLog } = this.#options;
    await putProduct(database, productId, providerId);
    const record = { act: 'register product', subject: productId, workflowId: '', numeral: '' };
    await auditLog.append({ ...record, phase: 'after', details: { operator: caller, providerId } });
  }

  list(page: Parameters<typeof listProducts>[1]): Promise<RegisteredProduct[]> {
    return listProducts(this.#options.database, page);
  }

  lossReports(query: Parameters<typeof listLossReports>[1]): Promise<LossReportEntry[]> {
    return listLossReports(this.#options.database, query);
  }

  /** What the issuer knows of the products on a card. */
  async onCard(cardId: CardId): Promise<CardProduct[]> {
    return listCardProducts(this.#options.database, cardId);
  }

  /** A3 to A5: may this provider load this product now? @throws NotFoundError also for another provider's product */
  async takePermit(permitId: string, caller: string, request: TakePermit): Promise<Permit> {
    const { database, permitMs: validMs = PERMIT_MS } = this.#options;
    if ((await providerOfProduct(database, request.productId)) !== caller)
      throw new NotFoundError('product-not-on-card', 'The issuer knows no such product of this provider');
    await takePermit(database, { ...request, permitId, validMs });
    return { permitId, validMs };
  }

  async releasePermit(permitId: string): Promise<void> {
    await releasePermit(this.#options.database, permitId);
  }

  /** B3 and B4; the same key and report give the same answer. */
  async reportLoss(id: string, caller: string, request: StartLossReport): Promise<LossReport> {
    const { database } = this.#options;
    await claimIdempotencyKey(database as unknown as Kysely<RequestTables>, { key: id, caller, body: request });
    await admit(lossReportSteps, { id, request }, this.#context());
    return this.lossReport(id);
  }

  /** @throws NotFoundError */
  async lossReport(id: string): Promise<LossReport> {
    const report = await findLossReport(this.#options.database, id, cardIdOfText);
    if (report === undefined) throw new NotFoundError('no-such-loss-report', 'There is no loss report of this id');
    return report;
  }

  /** Found again. @throws NotFoundError */
  async closeLossReport(id: string, caller: string): Promise<void> {
    const { database, auditLog, ring } = this.#options;
    if (!(await closeLossReport(database, id)))
      throw new NotFoundError('no-such-loss-report', 'There is no loss report of this id');
    const record = { act: 'found again', subject: id, workflowId: id, numeral: '' };
    await auditLog.append({ ...record, phase: 'after', details: { operator: caller } });
    ring();
  }

  /** No row of a loss report touches the card or the KMS. */
  #context(): LossReportContext {
    const { database, auditLog, ring } = this.#options;
    const untouched = () => new InvariantError('card-in-loss-report', 'A loss report touches no card');
    return {
      database,
      auditLog,
      ring,
      pause: () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS)),
      report: async () => {},
      card: {
        exchange: async () => {
          throw untouched();
        },
        close: async () => {},
      },
      get channel(): never {
        throw untouched();
      },
      authentication: () => {
        throw untouched();
      },
    };
  }
}

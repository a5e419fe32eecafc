// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import type { AuditLog } from '../../store/audit-log.ts';
import type { IssuerTables } from '../../store/issuer/schema.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { ProductStateChange, ProductStateSnapshot, StartLossReport } from '../../wire/message/platform.ts';
import type { VisitContext } from '../engine/unit.ts';

export type LossReportStart = { readonly id: string; readonly request: StartLossReport };

export interface LossReportContext extends VisitContext {
  readonly database: Kysely<IssuerTables>;
  readonly auditLog: Pick<AuditLog, 'append'>;
  /** A change waits in the outbox. */
  readonly ring: () => void;
  readonly pause: () => Promise<void>;
}

/** A provider, as the issuer's outbox sees it. */
export interface ProviderStates {
  /** @throws PeerError `sequence-gap`, `other-history`: it wants a snapshot */
  changeProductState(change: ProductStateChange): Promise<void>;
  putProductStates(cardId: CardId, snapshot: ProductStateSnapshot): Promise<void>;
}

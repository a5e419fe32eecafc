// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import type { ProviderTables } from '../../store/provider/schema.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { Permit, ServiceInstance, TakePermit } from '../../wire/message/platform.ts';
import type { LoadInitialized } from '../../wire/purse/commands.ts';
import type { Product } from '../deploy-application/context.ts';
import type { VisitContext } from '../engine/unit.ts';
import type { Kms } from '../ports.ts';

/** Input of a top-up. An amount of 0 settles and reads the purse, and loads nothing. */
export type TopUpStart = {
  readonly productId: string;
  readonly cardId: CardId;
  /** Cents. */
  readonly amount: number;
  readonly terminalId: string;
  readonly readerName: string;
  /** What it pays, where several flows try to: the first that comes to its end does. Absent: the flow itself. */
  readonly paymentId?: string;
};

/** The issuer's word that a product may be loaded now; no loss report is answered while it holds. */
export interface LoadPermits {
  /** @throws PeerError `product-not-valid` @throws TransportError: without the issuer nothing is loaded */
  take(key: string, request: TakePermit): Promise<Permit>;
  /** By the key that it was taken under. Safe to call twice. */
  release(key: string): Promise<void>;
}

export interface TopUpContext extends VisitContext {
  readonly workflowId: string;
  /** Its loads are booked under this name, and one of them is done at most. */
  readonly paymentId: string;
  readonly database: Kysely<ProviderTables>;
  readonly kms: Kms;
  readonly product: Product;
  readonly permits: LoadPermits;
  /** Six bytes in hex that nobody can foresee. */
  readonly newTerminal: () => string;
  readonly now: () => Date;
}

export type Known = TopUpStart & { readonly instance: ServiceInstance };

/** A load or query that INITIALIZE has opened: what was asked and what the card answered. */
export interface Opened {
  readonly amount: number;
  readonly terminal: string;
  readonly answer: LoadInitialized;
}

/** What lookAtPurse brings. */
export interface Looked {
  /** The query of settlement, where a load was open, and the load that it was about. */
  readonly query?: Opened;
  /** Instead of the query's answer: the status word that the purse refused it with. */
  readonly refused?: string;
  readonly about?: string;
  /** Proof of the open load, where the purse has one. */
  readonly proof?: string;
  /** The load itself, where nothing was open. */
  readonly initialized?: Opened;
}

/** `paid`: this top-up's own load turned out to be done. */
export interface Settled {
  readonly paid: boolean;
}

// SPDX-License-Identifier: Apache-2.0

import type { CardId } from '../../wire/message/common.ts';
import type {
  ContentTokenRequest,
  GrantedToken,
  ReceiptState,
  ReportReceipt,
  StartContentChange,
} from '../../wire/message/content-change.ts';
import type { KnownCard } from '../key-distribution/54-select-security-domain.ts';
import type { ProviderContext } from '../key-distribution/provider-context.ts';

/** The issuer, for what its tokens allow. */
export interface TokenIssuer {
  /** @throws PeerError when the issuer refuses */
  requestToken(idempotencyKey: string, request: ContentTokenRequest): Promise<GrantedToken>;
  /** @throws PeerError `receipt-wrong`, `receipt-replayed`, `token-used` */
  reportReceipt(tokenId: string, report: ReportReceipt): Promise<ReceiptState>;
}

export type ChangeStart = StartContentChange & {
  /** A part of another flow is for this card alone. */
  readonly onCard?: CardId;
  /** What the flow around has read of it. */
  readonly known?: Pick<KnownCard, 'cardId' | 'insertion' | 'casdCertificate'>;
  readonly productId?: string;
  /** Of a deletion: nothing else of the product is left. */
  readonly last?: true;
  /** What is to be deleted may stay while something else needs it (GPCS 2.3.1 11.2.2). */
  readonly mayStay?: true;
};

export interface ChangeContext extends ProviderContext {
  readonly tokens: TokenIssuer;
}

/** The token that the issuer gave. */
export interface Granted {
  readonly granted: GrantedToken;
}

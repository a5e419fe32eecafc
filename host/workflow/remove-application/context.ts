// SPDX-License-Identifier: Apache-2.0
import type { Card } from '../../store/issuer/cards.ts';
import type { ApplicationRemoval } from '../../wire/message/platform.ts';

export type RemovalStart = { readonly request: ApplicationRemoval; readonly caller: string };
/** What R3 lets go. */
export type Permitted = {
  readonly relayBaseUrl: string;
  /** Load files to delete, in this order: what imports another goes before it. */
  readonly files: readonly string[];
  /** The issuer has put no application of this name onto the card. */
  readonly unrecorded?: true;
};
export type RemovalFacts = RemovalStart & {
  readonly card: Card;
  /** Absent: a removal of a release before is under way, which named none. */
  readonly files?: Permitted['files'];
  readonly unrecorded?: true;
};

// SPDX-License-Identifier: Apache-2.0
import type { Card } from '../../store/issuer/cards.ts';
import type { Turn } from '../../store/issuer/content-turns.ts';
import type { ApplicationRemoval } from '../../wire/message/platform.ts';

export type RemovalStart = { readonly request: ApplicationRemoval; readonly caller: string };
/** What R3 lets go. */
export type Permitted = {
  readonly relayBaseUrl: string;
  /** The issuer has put no application of this name onto the card. */
  readonly unrecorded?: true;
};
export type RemovalFacts = RemovalStart & {
  readonly card: Card;
  readonly turn: Turn;
  readonly unrecorded?: true;
};

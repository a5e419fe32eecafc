// SPDX-License-Identifier: Apache-2.0
import type { CardId } from '../../wire/message/common.ts';
import type { CreateSecurityDomain } from '../../wire/message/security-domain-resource.ts';

/** A domain that its owner wants gone, and how its card is reached. */
export interface DomainRemoval {
  readonly cardId: CardId;
  readonly ssdAid: string;
  readonly transport: CreateSecurityDomain['transport'];
}

export type DomainRemovalStart = { readonly request: DomainRemoval; readonly caller: string };

// SPDX-License-Identifier: Apache-2.0
import { DATA_OBJECT } from '../../wire/gp/get-data.ts';
import type { CreateContentKey } from '../../wire/message/content-key.ts';

/** What the issuer needs on a card for domains with Delegated Management. */

export type ContentKeyUse = 'token' | 'receipt';
export const DELEGATION_KEYS: readonly ContentKeyUse[] = ['token', 'receipt'];

/** The issuer's keys by their names in its KMS: the same for all cards. */
export const CONTENT_KEYS: Readonly<Record<ContentKeyUse, CreateContentKey>> = {
  token: { label: 'content token', use: 'token', algorithm: 'p-256' },
  receipt: { label: 'content receipt', use: 'receipt', algorithm: 'aes-128' },
};

/** What tokens for a card name: the values that its ISD gives, read under the issuer's own channel. */
export interface CardNumbers {
  readonly iin: string;
  readonly cin: string;
}

export const CARD_NUMBERS = [DATA_OBJECT.ISSUER_IDENTIFICATION_NUMBER, DATA_OBJECT.CARD_IMAGE_NUMBER] as const;

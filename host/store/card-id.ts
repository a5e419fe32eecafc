// SPDX-License-Identifier: Apache-2.0
import type { CardId } from '../wire/message/common.ts';

/** A card id as one text, for columns, leases and logs: `iccid:8986…`. */
export const cardIdText = (card: CardId): string => `${card.kind}:${card.value}`;

/** Inverse of `cardIdText` for texts that it made. */
export function cardIdOfText(text: string): CardId {
  const separator = text.indexOf(':');
  return { kind: text.slice(0, separator) as CardId['kind'], value: text.slice(separator + 1) };
}

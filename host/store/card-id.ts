// SPDX-License-Identifier: Apache-2.0
import { plainIccid } from '../wire/iccid.ts';
import type { CardId } from '../wire/message/common.ts';

const plain = (kind: string, value: string): string => (kind === 'iccid' ? plainIccid(value) : value);

/**
 * A card id as one text, for columns, leases and logs: `iccid:8986…`. An ICCID loses its filler here: whoever names a
 * card, a maker's list, an operator, a phone or the card itself, means the same one with it and without it.
 */
export const cardIdText = ({ kind, value }: CardId): string => `${kind}:${plain(kind, value)}`;

/** Inverse of `cardIdText`; a text of others may have the filler. */
export function cardIdOfText(text: string): CardId {
  const separator = text.indexOf(':');
  const kind = text.slice(0, separator) as CardId['kind'];
  return { kind, value: plain(kind, text.slice(separator + 1)) };
}

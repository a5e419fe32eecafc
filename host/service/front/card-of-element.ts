// SPDX-License-Identifier: Apache-2.0
import { NotFoundError } from '../../errors.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { StartAction } from '../../wire/message/front.ts';

/**
 * How the card of a secure element is named: a UICC by ICCID, an eSE by CPLC or by IIN and CIN. @throws NotFoundError
 */
export function cardOf({ seType, seId }: Pick<StartAction, 'seType' | 'seId'>): CardId {
  const value = seId.toUpperCase();
  if (seType === 'uicc' && /^[0-9]{18,20}$/.test(value)) return { kind: 'iccid', value };
  if ((seType === 'eSE' || seType === 'iSE') && /^[0-9A-F]{84}$/.test(value)) return { kind: 'cplc', value };
  if ((seType === 'eSE' || seType === 'iSE') && /^[0-9A-F]+-[0-9A-F]+$/.test(value)) return { kind: 'iin-cin', value };
  throw new NotFoundError('card-not-yours', 'You have no such card: have it entered under your name');
}

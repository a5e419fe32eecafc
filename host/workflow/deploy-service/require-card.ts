// SPDX-License-Identifier: Apache-2.0
import { ConflictError } from '../../errors.ts';
import { cardIdText } from '../../store/card-id.ts';
import type { OnItsCard, ServiceContext } from './context.ts';

/** S2: it is the instance's own card. @throws ConflictError `other-card`, before anything is changed */
export async function requireCard({ cardId, instanceCard }: OnItsCard, _context: ServiceContext) {
  if (cardIdText(cardId) !== cardIdText(instanceCard))
    throw new ConflictError('other-card', 'This is not the card of the service instance: put that one there');
  return {};
}

// SPDX-License-Identifier: Apache-2.0
import type { Card } from '../../store/issuer/cards.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import type { InstallContext } from '../deploy-application/context.ts';
import { refuseLocked, selectUnlocked } from '../key-distribution/41a-probe-security-domain.ts';

/** R5 and E5: SELECT the ISD. @throws LifeCycleError `card-locked` */
export async function* selectIssuer({ card }: { readonly card: Card }, _context: InstallContext) {
  const responses: readonly CardResponse[] = yield [selectUnlocked(card.isdAid)];
  refuseLocked(responses[0]);
  return {};
}

// SPDX-License-Identifier: Apache-2.0
import type { Card } from '../../store/issuer/cards.ts';
import { aid } from '../../wire/gp/aid.ts';
import { toCardCommand } from '../../wire/gp/command.ts';
import { select } from '../../wire/gp/select.ts';
import type { InstallContext } from '../deploy-application/context.ts';

/** R5 and E5: SELECT the ISD. */
export async function* selectIssuer({ card }: { readonly card: Card }, _context: InstallContext) {
  yield [toCardCommand(select(aid(card.isdAid)))];
  return {};
}

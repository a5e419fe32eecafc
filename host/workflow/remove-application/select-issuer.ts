// SPDX-License-Identifier: Apache-2.0
import { aid } from '../../wire/gp/aid.ts';
import { toCardCommand } from '../../wire/gp/command.ts';
import { select } from '../../wire/gp/select.ts';
import type { InstallContext } from '../deploy-application/context.ts';
import type { RemovalFacts } from './context.ts';

/** R5: SELECT the ISD. */
export async function* selectIssuer({ card }: RemovalFacts, _context: InstallContext) {
  yield [toCardCommand(select(aid(card.isdAid)))];
  return {};
}

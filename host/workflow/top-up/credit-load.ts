// SPDX-License-Identifier: Apache-2.0
import { ifPresent } from '../../wire/gp/command.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { creditForLoad } from '../../wire/purse/commands.ts';
import { RepeatVisit } from '../engine/retry.ts';
import type { TopUpContext } from './context.ts';
import type { Reserved } from './reserve-load.ts';

/** Longest time of the command at the card. */
const CREDIT_MS = 3_000;

/**
 * A5e: CREDIT FOR LOAD, in time for the permit. A status word is nobody's signature: whatever is not a TAC leaves the
 * load open, and the visit begins again by settling it.
 *
 * @throws RepeatVisit `permit-over` before anything was sent
 */
export async function* creditLoad({ reserved }: Reserved, _context: TopUpContext) {
  if (reserved === undefined) return {};
  if (performance.now() + CREDIT_MS > reserved.sendBefore)
    throw new RepeatVisit('permit-over', 'The permit of the issuer is nearly over: nothing was sent');
  const command = { ...creditForLoad(reserved.dateTime, fromHex(reserved.mac2, 4)), timeoutMs: CREDIT_MS };
  const responses: readonly CardResponse[] = yield [ifPresent(command)];
  const [response] = responses;
  const tac = response?.sw === '9000' ? toHex(fromHex(response.data, 16)) : '';
  return { tac };
}

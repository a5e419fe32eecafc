// SPDX-License-Identifier: Apache-2.0
import { StatusWordError } from '../../errors.ts';
import { responseData } from '../../wire/gp/command.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import type { StepRecord } from '../../wire/message/key-distribution.ts';
import type { PlainCommand } from '../../wire/message/kms.ts';
import type { VisitContext } from './unit.ts';

/**
 * A further round trip of a row that a row's own one does not hold: under the session that is live, reported as the
 * row's.
 *
 * @returns plain responses, each with 9000 or what its command expects
 * @throws StatusWordError when the card refuses or stops
 */
export async function sendProtected(
  commands: readonly PlainCommand[],
  context: VisitContext,
  row: Pick<StepRecord, 'numeral' | 'name' | 'from' | 'to' | 'commands'>,
): Promise<CardResponse[]> {
  const { commands: wrapped } = await context.channel.script(commands);
  const { responses, cost } = await context.card.exchange(wrapped);
  await context.report({ ...row, ...cost });
  const plain = await context.channel.unwrap(responses);
  for (const [index, command] of commands.entries()) {
    const response = plain[index];
    if (response === undefined) throw new StatusWordError('script-cut', `${command.label}: the card stopped before it`);
    if (command.expect?.includes(response.sw) !== true) responseData(command.label, response);
  }
  return plain;
}

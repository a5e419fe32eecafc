// SPDX-License-Identifier: Apache-2.0

import { delegatedCommand } from '../../card/delegated-act.ts';
import type { CardIdentity } from '../../card/identity.ts';
import { aid } from '../../wire/gp/aid.ts';
import { expecting, type GpCommand, toPlainCommand } from '../../wire/gp/command.ts';
import { encodeLoadFile, loadCommands } from '../../wire/gp/load.ts';
import { withToken } from '../../wire/gp/token.ts';
import { fromHex } from '../../wire/hex.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { SW } from '../../wire/status-word.ts';
import { sendProtected } from '../engine/protected-script.ts';
import { auditSecurityDomain } from '../key-distribution/provider-context.ts';
import type { ChangeContext, ChangeStart, Granted } from './context.ts';
import { delegatedActOf } from './request-token.ts';

/** Fits one APDU at every level. */
const BLOCK_LENGTH = 223;
/** Commands of one round trip. */
const COMMANDS_A_TRIP = 24;
const ROW = { numeral: 'C5', name: 'changeContent', from: 'provider', to: 'card' } as const;

/** C5: the command with its token, and LOAD; the last answer has the receipt. */
export async function* changeContent(
  facts: ChangeStart & CardIdentity & Granted & { readonly done: boolean },
  context: ChangeContext,
) {
  if (facts.done) return {};
  const { cardId, granted } = facts;
  const domain = aid(context.settings.ssdAid);
  const command = delegatedCommand(delegatedActOf(facts), domain, fromHex(granted.names, 255));
  const signed = withToken(command, fromHex(granted.token, 512));
  const first = facts.mayStay === true ? expecting(signed, SW.NO_ERROR, SW.CONDITIONS_NOT_SATISFIED) : signed;
  const commands = [first, ...blocksOf(facts.act)].map(toPlainCommand);
  const audit = { numeral: 'C5', act: command.label, details: { token: granted.tokenId } };
  await auditSecurityDomain(context, cardId, { ...audit, phase: 'before' });
  let responses: readonly CardResponse[] = yield commands.slice(0, COMMANDS_A_TRIP);
  for (let from = COMMANDS_A_TRIP; from < commands.length; from += COMMANDS_A_TRIP) {
    const part = commands.slice(from, from + COMMANDS_A_TRIP);
    responses = await sendProtected(part, context, { ...ROW, commands: [`${part.length} x LOAD`] });
  }
  await auditSecurityDomain(context, cardId, { ...audit, phase: 'after' });
  return { confirmation: responses.at(-1)?.data ?? '' };
}

function blocksOf(act: ChangeStart['act']): readonly GpCommand[] {
  return act.act === 'load' ? loadCommands(encodeLoadFile(fromHex(act.loadFile, 65_536)), BLOCK_LENGTH) : [];
}

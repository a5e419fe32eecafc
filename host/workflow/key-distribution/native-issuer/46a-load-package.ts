// SPDX-License-Identifier: Apache-2.0
import { loadFileCommands } from '../../../card/load.ts';
import { InvariantError } from '../../../errors.ts';
import { toPlainCommand } from '../../../wire/gp/command.ts';
import { REGISTRY } from '../../../wire/gp/get-status.ts';
import type { CardResponse } from '../../../wire/message/card-script.ts';
import { sendProtected } from '../../engine/protected-script.ts';
import { findEntry, statusOf } from '../../registry-entry.ts';
import { auditRequest, type IssuerContext, type IssuerStart } from '../issuer-context.ts';

/** Commands of one round trip: an ExchangeRequest takes 64, the KMS 32. */
const COMMANDS_A_TRIP = 24;

const ROW = { numeral: '46a', name: 'loadPackage', from: 'issuer', to: 'card' } as const;

/**
 * Step 46a, ours: the security domains' package by LOAD, unless it is on the card. It is done when the card's registry
 * says so: a LOAD that broke off has left nothing, and starts anew.
 */
export async function* loadPackage(facts: IssuerStart, context: IssuerContext) {
  const cap = context.settings.securityDomainPackage;
  if (cap === undefined) throw new InvariantError('package-missing', '44 lets no such card pass without the CAP file');
  const sought = { subset: REGISTRY.LOAD_FILES, name: cap.packageAid };
  const [first]: readonly CardResponse[] = yield [statusOf(sought.subset, sought.name)];
  if ((await findEntry({ ...sought, first }, context, ROW)) !== undefined) return {};
  const audit = { numeral: '46a', act: 'LOAD' };
  await auditRequest(context, facts, { ...audit, phase: 'before' });
  const commands = loadFileCommands(cap, { withHash: true, withDescriptor: true });
  for (let from = 0; from < commands.length; from += COMMANDS_A_TRIP) {
    const part = commands.slice(from, from + COMMANDS_A_TRIP);
    await sendProtected(part.map(toPlainCommand), context, { ...ROW, commands: [`${part.length} x LOAD`] });
  }
  await auditRequest(context, facts, { ...audit, phase: 'after' });
  return {};
}

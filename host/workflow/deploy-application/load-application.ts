// SPDX-License-Identifier: Apache-2.0
import { ConflictError } from '../../errors.ts';
import { aid } from '../../wire/gp/aid.ts';
import { toPlainCommand } from '../../wire/gp/command.ts';
import { installApplication, installForExtradition, installForLoad } from '../../wire/gp/install.ts';
import { encodeLoadFile, loadCommands } from '../../wire/gp/load.ts';
import { fromHex } from '../../wire/hex.ts';
import { auditRequest } from './audit.ts';
import type { InstallContext, InstallFacts } from './context.ts';
import type { OnCard } from './read-registry.ts';

/** Fits one APDU at every level. */
const BLOCK_LENGTH = 223;

/**
 * D7: LOAD where there is no such load file, INSTALL where there is no such instance, and the extradition into the
 * provider's domain where it belongs to another.
 *
 * @throws ConflictError `application-elsewhere` for an instance in a third domain
 */
export async function* loadApplication(facts: InstallFacts & { readonly onCard: OnCard }, context: InstallContext) {
  const { request, card } = facts;
  const { loadFilePresent, instanceDomain } = facts.onCard;
  const { loadFileAid, moduleAid, instanceAid, ssdAid } = request;
  if (instanceDomain !== undefined && instanceDomain !== ssdAid && instanceDomain !== card.isdAid) {
    throw new ConflictError('application-elsewhere', `${instanceAid} belongs to another domain of this card`);
  }
  const loadFile = aid(loadFileAid);
  const load = loadFilePresent
    ? []
    : [installForLoad({ loadFile }), ...loadCommands(encodeLoadFile(fromHex(request.loadFile)), BLOCK_LENGTH)];
  const install =
    instanceDomain === undefined
      ? [
          installApplication({
            ...{ loadFile, module: aid(moduleAid), instance: aid(instanceAid) },
            applicationParameters: fromHex(request.parameters, 180),
            selectable: request.selectable !== false,
          }),
        ]
      : [];
  const handOver = instanceDomain === ssdAid ? [] : [installForExtradition(aid(instanceAid), aid(ssdAid))];
  const commands = [...load, ...install, ...handOver];
  const audit = { numeral: 'D7', act: 'LOAD and INSTALL', details: { commands: commands.length } };
  if (commands.length > 0) {
    await auditRequest(context, facts, { ...audit, phase: 'before' });
    yield commands.map(toPlainCommand);
  }
  await auditRequest(context, facts, { ...audit, phase: 'after' });
  return {};
}

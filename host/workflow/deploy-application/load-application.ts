// SPDX-License-Identifier: Apache-2.0
import { ConflictError } from '../../errors.ts';
import { recordTouching } from '../../store/issuer/application-requests.ts';
import { recordInstalling, recordSentOf, requireOwnNames } from '../../store/issuer/applications.ts';
import type { Turn } from '../../store/issuer/content-turns.ts';
import { aid } from '../../wire/gp/aid.ts';
import { toPlainCommand } from '../../wire/gp/command.ts';
import { installApplication, installForExtradition, installForLoad } from '../../wire/gp/install.ts';
import { encodeLoadFile, loadCommands } from '../../wire/gp/load.ts';
import { fromHex } from '../../wire/hex.ts';
import type { ApplicationRequest } from '../../wire/message/platform.ts';
import { inTurn } from '../content-turn.ts';
import { sendProtected } from '../engine/protected-script.ts';
import { auditRequest } from './audit.ts';
import { applicationRowOf, type InstallContext, type InstallFacts } from './context.ts';
import { requireNotPreloaded } from './load-file-on-card.ts';
import type { OnCard } from './read-registry.ts';

/** Fits one APDU at every level. */
const BLOCK_LENGTH = 223;
/** Commands of one round trip. */
const COMMANDS_A_TRIP = 24;
const ROW = { numeral: 'D7', name: 'loadApplication', from: 'issuer', to: 'card' } as const;

/**
 * D7: LOAD where there is no such load file, of libraries first, INSTALL where there is no such instance, and the
 * extradition into the provider's domain where it belongs to another. INSTALL [for load] goes alone: the card's word
 * for it says that there is no such file, and what is loaded is written down before LOAD leaves. So is what is
 * installed.
 *
 * @throws ConflictError `application-elsewhere` for an instance in a third domain, `load-file-taken` for a file that
 *     another provider has got leave to load since D5
 * @throws PolicyError `aid-reserved` for a file that cards have from their maker, and this one has not
 * @throws RepeatVisit `turn-lost` when another flow has the card meanwhile
 */
export async function* loadApplication(
  facts: InstallFacts & {
    readonly turn: Turn;
    readonly onCard: OnCard;
    readonly librariesPresent: readonly string[];
  },
  context: InstallContext,
) {
  const { request, card, turn, librariesPresent } = facts;
  const { loadFilePresent, instanceDomain, isAbsent } = facts.onCard;
  const { loadFileAid, moduleAid, instanceAid, ssdAid } = request;
  if (instanceDomain !== undefined && instanceDomain !== ssdAid && instanceDomain !== card.isdAid) {
    throw new ConflictError('application-elsewhere', `${instanceAid} belongs to another domain of this card`);
  }
  const loadFile = aid(loadFileAid);
  const load = loadFilePresent ? [] : blocksOf(request);
  const install =
    instanceDomain === undefined
      ? [
          installApplication({
            loadFile,
            module: aid(moduleAid),
            instance: aid(instanceAid),
            applicationParameters: fromHex(request.parameters, 180),
            selectable: request.selectable !== false,
          }),
        ]
      : [];
  const handOver = instanceDomain === ssdAid ? [] : [installForExtradition(aid(instanceAid), aid(ssdAid))];
  const commands = [...load, ...install, ...handOver];
  const libraries = (request.libraries ?? []).filter((library) => !librariesPresent.includes(library.loadFileAid));
  const loaded = [...libraries, ...(loadFilePresent ? [] : [request])].map((file) => file.loadFileAid);
  await requireNotPreloaded(loaded, request.cardId, context);
  const own = applicationRowOf(facts);
  await inTurn(context, { cardId: request.cardId, turn }, async (transaction) => {
    if (loaded.length > 0) await requireOwnNames(transaction, own);
    if (isAbsent === true) await recordInstalling(transaction, own);
  });
  await recordTouching(context.database, context.workflowId);
  for (const library of libraries) await loadLibrary(library, facts, context);
  const audit = { numeral: 'D7', act: 'LOAD and INSTALL', details: { commands: commands.length } };
  if (commands.length > 0) {
    await auditRequest(context, facts, { ...audit, phase: 'before' });
    if (!loadFilePresent) await beginLoad(request, facts, context);
    yield commands.map(toPlainCommand);
  }
  await auditRequest(context, facts, { ...audit, phase: 'after' });
  return { loadedFiles: loaded as readonly string[] };
}

type LoadFile = Pick<ApplicationRequest, 'loadFileAid' | 'loadFile'>;

const blocksOf = ({ loadFile }: LoadFile) => loadCommands(encodeLoadFile(fromHex(loadFile)), BLOCK_LENGTH);

/** In a round trip of its own: a card takes it for no name that it has, and says so under its MAC. */
async function beginLoad(
  { loadFileAid }: LoadFile,
  facts: InstallFacts & { readonly turn: Turn },
  context: InstallContext,
): Promise<void> {
  const { turn, request } = facts;
  const own = { ...applicationRowOf(facts), workflowId: context.workflowId };
  await context.journal?.flush();
  const command = toPlainCommand(installForLoad({ loadFile: aid(loadFileAid) }));
  await sendProtected([command], context, { ...ROW, commands: [command.label] });
  await inTurn(context, { cardId: request.cardId, turn }, (transaction) =>
    recordSentOf(transaction, own, [loadFileAid]),
  );
}

/** In round trips of its own, before the file that imports it. */
async function loadLibrary(
  library: LoadFile,
  facts: InstallFacts & { readonly turn: Turn },
  context: InstallContext,
): Promise<void> {
  const commands = blocksOf(library).map(toPlainCommand);
  const audit = { numeral: 'D7', act: 'LOAD', details: { loadFile: library.loadFileAid } };
  await auditRequest(context, facts, { ...audit, phase: 'before' });
  await beginLoad(library, facts, context);
  for (let from = 0; from < commands.length; from += COMMANDS_A_TRIP) {
    const part = commands.slice(from, from + COMMANDS_A_TRIP);
    await sendProtected(part, context, { ...ROW, commands: [`${part.length} x LOAD`] });
  }
  await auditRequest(context, facts, { ...audit, phase: 'after' });
}

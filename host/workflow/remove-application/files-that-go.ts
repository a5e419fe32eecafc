// SPDX-License-Identifier: Apache-2.0
import { filesOf, listApplications, recordMadeOf } from '../../store/issuer/applications.ts';
import { adoptLoadFile, broughtBy } from '../../store/issuer/load-files.ts';
import { AID, aidToHex } from '../../wire/gp/aid.ts';
import type { InstallContext } from '../deploy-application/context.ts';
import { preloadedOn } from '../deploy-application/load-file-on-card.ts';
import type { RemovalStart } from './context.ts';

type Rows = Awaited<ReturnType<typeof listApplications>>;

/**
 * Load files that go with an application: those that its row says it was made of and came with, of them those that
 * this provider has brought onto the card, the last that came first.
 */
export async function filesThatGo(
  { request: { cardId, instanceAid }, caller }: RemovalStart,
  context: InstallContext,
  rows: Rows,
): Promise<readonly string[]> {
  const own = rows.find(({ aid }) => aid === instanceAid);
  if (own === undefined || own.provider_id !== caller || own.load_file_aid === null) return [];
  const named = [own.load_file_aid, ...(own.libraries ?? []).map(({ aid }) => aid).toReversed()];
  const kept = await keptOn(cardId, context);
  const brought = await broughtBy(context.database, { cardId, providerId: caller }, named);
  return brought.filter((file) => !kept(file));
}

/**
 * Of an application that a release before this one put there the card alone says what it is made of: that is noted, to
 * go with it, unless something else has the name.
 */
export async function noteMadeOf(
  { request: { cardId, instanceAid }, caller }: RemovalStart,
  context: InstallContext,
  loadFileAid: string,
): Promise<void> {
  const { database } = context;
  const rows = await listApplications(database, cardId);
  const own = rows.find(({ aid }) => aid === instanceAid);
  if (own?.provider_id !== caller || own.load_file_aid !== null) return;
  const isTaken = rows.some(
    (row) =>
      row.aid === loadFileAid || (row.provider_id !== caller && filesOf(row).some(({ aid }) => aid === loadFileAid)),
  );
  if (isTaken || (await keptOn(cardId, context))(loadFileAid)) return;
  await adoptLoadFile(database, { cardId, providerId: caller, aid: loadFileAid });
  await recordMadeOf(database, { cardId, aid: instanceAid, loadFileAid });
}

/** What no provider has deleted: the security domains, and what the card has from its maker. */
async function keptOn(cardId: RemovalStart['request']['cardId'], context: InstallContext) {
  const domains = aidToHex(AID.SECURITY_DOMAIN_PACKAGE);
  const preloaded = await preloadedOn(cardId, context);
  return (file: string) => file.startsWith(domains) || preloaded.includes(file);
}

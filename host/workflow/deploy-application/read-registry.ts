// SPDX-License-Identifier: Apache-2.0
import { ConflictError } from '../../errors.ts';
import { listApplications } from '../../store/issuer/applications.ts';
import { recordSeen } from '../../store/issuer/seen-registry.ts';
import { aid, aidToHex } from '../../wire/gp/aid.ts';
import { REGISTRY, type RegistryEntry } from '../../wire/gp/get-status.ts';
import { fromHex } from '../../wire/hex.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { findEntry, listEntries, statusOf } from '../registry-entry.ts';
import { seenEntryOf } from '../seen-entry.ts';
import { type InstallContext, type InstallFacts, namedFile } from './context.ts';
import { fileDomainOf, isKnownFile, requireKnownFile } from './load-file-on-card.ts';

/** What the card holds of this request. */
export interface OnCard {
  readonly loadFilePresent: boolean;
  /** Load file in the issuer's domain that is known to be the one that is wanted. */
  readonly shown: readonly string[];
  /** Domain that the instance belongs to, as hex; absent: no instance. */
  readonly instanceDomain?: string;
  /** The card itself says, under the MACs of its answers, that there is no such instance. */
  readonly isAbsent?: true;
}

const ROW = { numeral: 'D6', name: 'readRegistry', from: 'issuer', to: 'card' } as const;
/** No card has to take less for the beginning of a name. */
const SHORTEST_NAME = 5;

/**
 * D6: GET STATUS of the instance, with the provider's domain in the same list, so that the card's own word says that it
 * is not there; then of its load file, by its name. Each may end in an error, and so is alone in its script.
 *
 * @throws ConflictError `load-file-unknown` where the card has another file of this name, or may have;
 *   `application-elsewhere` for an instance in the issuer's domain that no INSTALL for this provider can have made of
 *   this file: it may be the issuer's or the card maker's own, so that it is neither handed over nor deleted
 */
export async function* readRegistry(
  facts: InstallFacts & { readonly instancePresent: boolean },
  context: InstallContext,
) {
  const { request, card, instancePresent } = facts;
  const { instanceAid, ssdAid } = request;
  const prefix = sharedBeginning(instanceAid, ssdAid);
  const [first]: readonly CardResponse[] = yield [statusOf(REGISTRY.APPLICATIONS, prefix)];
  const list = await listEntries({ subset: REGISTRY.APPLICATIONS, prefix, first }, context, ROW);
  const found = list.entries.find((entry) => aidToHex(entry.aid) === instanceAid);
  const file = await findEntry({ subset: REGISTRY.LOAD_FILES, name: aid(request.loadFileAid) }, context, ROW);
  await recordSeen(context.database, request.cardId, [
    ...(found === undefined ? [] : [seenEntryOf('application', found)]),
    ...(file === undefined ? [] : [seenEntryOf('load-file', file)]),
  ]);
  const wanted = namedFile(request);
  // One that SELECT finds and the registry does not show is in a domain that the issuer does not see.
  const instanceDomain = domainOf(found, instancePresent);
  if (instanceDomain === card.isdAid) await requireLeft(facts, context, { found, file });
  else if (instanceDomain === undefined && file !== undefined) await requireKnownFile(wanted, file, facts, context);
  const isShown = file !== undefined && fileDomainOf(file, card.isdAid) === 'issuer';
  const shown = isShown && (await isKnownFile(wanted, file, facts, context)) ? [wanted.aid] : [];
  const isAbsent =
    instanceDomain === undefined && list.isWhole && list.entries.some((entry) => aidToHex(entry.aid) === ssdAid);
  const onCard: OnCard = {
    loadFilePresent: instanceDomain !== undefined || file !== undefined,
    shown,
    ...(instanceDomain === undefined ? {} : { instanceDomain }),
    ...(isAbsent ? { isAbsent } : {}),
  };
  return { onCard };
}

function domainOf(found: RegistryEntry | undefined, instancePresent: boolean): string | undefined {
  if (found === undefined) return instancePresent ? '' : undefined;
  return found.securityDomain === undefined ? '' : aidToHex(found.securityDomain);
}

/** Where both names begin alike, else nothing. */
function sharedBeginning(one: string, other: string): Uint8Array {
  let length = 0;
  while (length < one.length && one.slice(length, length + 2) === other.slice(length, length + 2)) length += 2;
  return length < 2 * SHORTEST_NAME ? new Uint8Array() : fromHex(one.slice(0, length));
}

/** One whose hand-over was broken off: D7 has made it for this provider, of this file. */
async function requireLeft(
  facts: InstallFacts,
  context: InstallContext,
  { found, file }: { readonly found: RegistryEntry | undefined; readonly file: RegistryEntry | undefined },
): Promise<void> {
  const { request, caller } = facts;
  if (file !== undefined) await requireKnownFile(namedFile(request), file, facts, context);
  const rows = await listApplications(context.database, request.cardId);
  const own = rows.find((row) => row.aid === request.instanceAid && row.provider_id === caller);
  const isOfIt = found?.loadFile !== undefined && aidToHex(found.loadFile) === request.loadFileAid;
  if (file !== undefined && isOfIt && own?.state === 'installing') return;
  throw new ConflictError(
    'application-elsewhere',
    `${request.instanceAid} is in the issuer's domain, and nothing says that a deployment of this product that broke ` +
      'off has made it of this load file: where one has, removing the application is the way on; else its issuer ' +
      'looks whose it is, and deletes it (docs/delegated-management.md, section 5)',
  );
}

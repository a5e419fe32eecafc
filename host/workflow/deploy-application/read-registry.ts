// SPDX-License-Identifier: Apache-2.0
import { ConflictError } from '../../errors.ts';
import { recordSeen } from '../../store/issuer/seen-registry.ts';
import { aid, aidToHex } from '../../wire/gp/aid.ts';
import { REGISTRY } from '../../wire/gp/get-status.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { findEntry, statusOf } from '../registry-entry.ts';
import { seenEntryOf } from '../seen-entry.ts';
import { type InstallContext, type InstallFacts, namedFile } from './context.ts';
import { requireKnownFile } from './load-file-on-card.ts';

/** What the card holds of this request. */
export interface OnCard {
  readonly loadFilePresent: boolean;
  /** Domain that the instance belongs to, as hex; absent: no instance. */
  readonly instanceDomain?: string;
}

const ROW = { numeral: 'D6', name: 'readRegistry', from: 'issuer', to: 'card' } as const;

/**
 * D6: GET STATUS of the instance, which has its load file, or else of the load file; of both where the instance is in
 * the issuer's domain, as an interrupted try leaves it, and so did whoever had the name before. It may end in an error,
 * and so it is alone in its script.
 *
 * @throws ConflictError `load-file-unknown` where the card has another file of this name, or may have;
 *   `application-elsewhere` for an instance in the issuer's domain of which the card does not say that it is made of
 *   this file: it may be the issuer's or the card maker's own, so that it is neither handed over nor deleted
 */
export async function* readRegistry(
  facts: InstallFacts & { readonly instancePresent: boolean },
  context: InstallContext,
) {
  const { request, card, instancePresent } = facts;
  const name = aid(instancePresent ? request.instanceAid : request.loadFileAid);
  const subset = instancePresent ? REGISTRY.APPLICATIONS : REGISTRY.LOAD_FILES;
  const [first]: readonly CardResponse[] = yield [statusOf(subset, name)];
  const found = await findEntry({ subset, name, first }, context, ROW);
  const kind = instancePresent ? 'application' : 'load-file';
  if (found !== undefined) await recordSeen(context.database, request.cardId, [seenEntryOf(kind, found)]);
  if (!instancePresent && found !== undefined) await requireKnownFile(namedFile(request), found, facts, context);
  if (!instancePresent) return { onCard: { loadFilePresent: found !== undefined } as OnCard };
  // One that SELECT finds and the registry does not show is in a domain that the issuer does not see.
  const instanceDomain = found?.securityDomain === undefined ? '' : aidToHex(found.securityDomain);
  if (instanceDomain !== card.isdAid) return { onCard: { loadFilePresent: true, instanceDomain } as OnCard };
  const file = await findEntry({ subset: REGISTRY.LOAD_FILES, name: aid(request.loadFileAid) }, context, ROW);
  if (file !== undefined) await requireKnownFile(namedFile(request), file, facts, context);
  const isOfIt = found?.loadFile !== undefined && aidToHex(found.loadFile) === request.loadFileAid;
  if (file === undefined || !isOfIt)
    throw new ConflictError(
      'application-elsewhere',
      `${request.instanceAid} is in the issuer's domain, and the card does not say that it is made of this load ` +
        'file: its issuer looks whose it is, and deletes it where a deployment that broke off has left it',
    );
  return { onCard: { loadFilePresent: true, instanceDomain } as OnCard };
}

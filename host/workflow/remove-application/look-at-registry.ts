// SPDX-License-Identifier: Apache-2.0
import { ConflictError, PolicyError } from '../../errors.ts';
import { listApplications } from '../../store/issuer/applications.ts';
import { aid, aidToHex } from '../../wire/gp/aid.ts';
import { REGISTRY } from '../../wire/gp/get-status.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { inTurn } from '../content-turn.ts';
import type { InstallContext } from '../deploy-application/context.ts';
import { findEntry, statusOf } from '../registry-entry.ts';
import type { RemovalFacts } from './context.ts';
import { filesThatGo, noteMadeOf } from './files-that-go.ts';

const ROW = { numeral: 'R6', name: 'lookAtRegistry', from: 'issuer', to: 'card' } as const;
const subset = REGISTRY.APPLICATIONS;

/**
 * R6: GET STATUS of the instance: a locked one is not found by SELECT. It may end in an error, and so it is alone in
 * its script. Its load file is noted where no row says it. Then which load files go with it, in this order: what
 * imports another goes before it.
 *
 * @throws ConflictError `application-elsewhere` for an instance in another domain than the provider's; where that is
 *   the issuer's, or the card does not tell it, for one that no INSTALL for this provider has made
 * @throws PolicyError `not-your-application` for one that is there and that the issuer did not put there
 */
export async function* lookAtRegistry(facts: RemovalFacts, context: InstallContext) {
  const { request, card, turn, unrecorded } = facts;
  const name = aid(request.instanceAid);
  const [first]: readonly CardResponse[] = yield [statusOf(subset, name)];
  const found = await findEntry({ subset, name, first }, context, ROW);
  if (found !== undefined && unrecorded)
    throw new PolicyError('not-your-application', `${request.instanceAid} is on this card for nobody that we know of`);
  const domain = found?.securityDomain === undefined ? undefined : aidToHex(found.securityDomain);
  if (domain !== undefined && domain !== request.ssdAid && domain !== card.isdAid)
    throw new ConflictError('application-elsewhere', `${request.instanceAid} belongs to another domain of this card`);
  if (found !== undefined && domain !== request.ssdAid) await requireMade(facts, context, domain);
  const { loadFile } = found ?? {};
  if (loadFile !== undefined)
    await inTurn(context, { cardId: request.cardId, turn }, (transaction) =>
      noteMadeOf(facts, { ...context, database: transaction }, aidToHex(loadFile)),
    );
  const rows = unrecorded ? [] : await listApplications(context.database, request.cardId);
  return { instanceOnCard: found !== undefined, files: await filesThatGo(facts, context, rows) };
}

/**
 * One whose hand-over was broken off stands in the issuer's domain still; what the issuer and the card's maker have
 * there goes at nobody's word, whatever name a provider has asked for.
 *
 * @param domain absent: the card does not tell it, and one that D8 has seen is the provider's too
 * @throws ConflictError `application-elsewhere` unless INSTALL for this provider has made it
 */
async function requireMade({ request, caller }: RemovalFacts, context: InstallContext, domain: string | undefined) {
  const { cardId, instanceAid } = request;
  const rows = await listApplications(context.database, cardId);
  const own = rows.find((row) => row.aid === instanceAid && row.provider_id === caller);
  if (own?.state === 'installing' || (domain === undefined && own?.state === 'created')) return;
  throw new ConflictError(
    'application-elsewhere',
    `${instanceAid} ${domain === undefined ? 'is on this card' : "is in the issuer's domain"}, and no deployment for ` +
      'this provider has made it: its issuer looks whose it is (docs/delegated-management.md, section 5)',
  );
}

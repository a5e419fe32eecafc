// SPDX-License-Identifier: Apache-2.0
import { ConflictError, PolicyError } from '../../errors.ts';
import { listApplications } from '../../store/issuer/applications.ts';
import { broughtBy } from '../../store/issuer/load-files.ts';
import { aid, aidToHex } from '../../wire/gp/aid.ts';
import { REGISTRY } from '../../wire/gp/get-status.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
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
 * @throws ConflictError `application-elsewhere` for an instance in another domain than the provider's, and for one in
 *   the issuer's domain that is made of nothing of this provider
 * @throws PolicyError `not-your-application` for one that is there and that the issuer did not put there
 */
export async function* lookAtRegistry(facts: RemovalFacts, context: InstallContext) {
  const { request, card, unrecorded } = facts;
  const name = aid(request.instanceAid);
  const [first]: readonly CardResponse[] = yield [statusOf(subset, name)];
  const found = await findEntry({ subset, name, first }, context, ROW);
  if (found !== undefined && unrecorded)
    throw new PolicyError('not-your-application', `${request.instanceAid} is on this card for nobody that we know of`);
  const domain = found?.securityDomain === undefined ? undefined : aidToHex(found.securityDomain);
  if (domain === card.isdAid && card.isdAid !== request.ssdAid)
    await requireBrought(facts, context, found?.loadFile === undefined ? undefined : aidToHex(found.loadFile));
  if (domain !== undefined && domain !== request.ssdAid && domain !== card.isdAid)
    throw new ConflictError('application-elsewhere', `${request.instanceAid} belongs to another domain of this card`);
  if (found?.loadFile !== undefined) await noteMadeOf(facts, context, aidToHex(found.loadFile));
  const rows = unrecorded ? [] : await listApplications(context.database, request.cardId);
  return { instanceOnCard: found !== undefined, files: await filesThatGo(facts, context, rows) };
}

/**
 * One whose hand-over was broken off stands in the issuer's domain still; what the issuer and the card's maker have
 * there goes at nobody's word, whatever name a provider has asked for.
 *
 * @throws ConflictError `application-elsewhere` unless the card says that it is made of a file that this provider has
 *   brought
 */
async function requireBrought({ request, caller }: RemovalFacts, context: InstallContext, file: string | undefined) {
  const { cardId, instanceAid } = request;
  const names = file === undefined ? [] : [file];
  if ((await broughtBy(context.database, { cardId, providerId: caller }, names)).length > 0) return;
  throw new ConflictError(
    'application-elsewhere',
    `${instanceAid} is in the issuer's domain, and is made of nothing that this provider has brought: its issuer ` +
      'looks whose it is',
  );
}

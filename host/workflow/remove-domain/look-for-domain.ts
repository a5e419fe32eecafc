// SPDX-License-Identifier: Apache-2.0
import { aid } from '../../wire/gp/aid.ts';
import { REGISTRY } from '../../wire/gp/get-status.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import type { InstallContext } from '../deploy-application/context.ts';
import { findEntry, statusOf } from '../registry-entry.ts';
import type { DomainRemovalStart } from './context.ts';

const ROW = { numeral: 'E6', name: 'lookForDomain', from: 'issuer', to: 'card' } as const;

/** E6: GET STATUS of the domain. It may end in an error, and so it is alone in its script. @see GPCS 11.4 */
export async function* lookForDomain({ request }: DomainRemovalStart, context: InstallContext) {
  const responses: readonly CardResponse[] = yield [statusOfDomain(request.ssdAid)];
  return { domainOnCard: await isListed(request.ssdAid, responses[0], context, ROW) };
}

export const statusOfDomain = (ssdAid: string) => statusOf(REGISTRY.APPLICATIONS, aid(ssdAid));

/** True when the card names the domain itself, and not only what begins like it. */
export async function isListed(
  ssdAid: string,
  first: CardResponse | undefined,
  context: InstallContext,
  row: Parameters<typeof findEntry>[2],
): Promise<boolean> {
  return (await findEntry({ subset: REGISTRY.APPLICATIONS, name: aid(ssdAid), first }, context, row)) !== undefined;
}

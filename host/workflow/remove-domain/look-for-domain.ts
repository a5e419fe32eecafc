// SPDX-License-Identifier: Apache-2.0
import { aid } from '../../wire/gp/aid.ts';
import { REGISTRY } from '../../wire/gp/get-status.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import type { InstallContext } from '../deploy-application/context.ts';
import { findEntry, statusOf } from '../registry-entry.ts';
import type { DomainRemovalStart } from './context.ts';

const ROW = { numeral: 'E6', name: 'lookForDomain', from: 'issuer', to: 'card' } as const;
const subset = REGISTRY.APPLICATIONS;

/** E6: GET STATUS of the domain. It may end in an error, and so it is alone in its script. @see GPCS 11.4 */
export async function* lookForDomain({ request }: DomainRemovalStart, context: InstallContext) {
  const name = aid(request.ssdAid);
  const [first]: readonly CardResponse[] = yield [statusOf(subset, name)];
  // The domain itself, and not only what begins like it.
  return { domainOnCard: (await findEntry({ subset, name, first }, context, ROW)) !== undefined };
}

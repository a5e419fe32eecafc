// SPDX-License-Identifier: Apache-2.0
import { aid } from '../../wire/gp/aid.ts';
import { type GpCommand, responseData, toPlainCommand } from '../../wire/gp/command.ts';
import { decodeGetStatus, getStatus, REGISTRY } from '../../wire/gp/get-status.ts';
import { sameBytes } from '../../wire/hex.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { SW } from '../../wire/status-word.ts';
import type { InstallContext } from '../deploy-application/context.ts';
import type { DomainRemovalStart } from './context.ts';

/** E6: GET STATUS of the domain. It may end in an error, and so it is alone in its script. @see GPCS 11.4 */
export async function* lookForDomain({ request }: DomainRemovalStart, _context: InstallContext) {
  const command = statusOfDomain(request.ssdAid);
  const responses: readonly CardResponse[] = yield [toPlainCommand(command)];
  return { domainOnCard: isListed(request.ssdAid, command, responses[0]) };
}

export const statusOfDomain = (ssdAid: string): GpCommand => getStatus(REGISTRY.APPLICATIONS, { prefix: aid(ssdAid) });

/** True when the answer names the domain itself, and not only what begins like it. */
export function isListed(ssdAid: string, command: GpCommand, response: CardResponse | undefined): boolean {
  const accepted = [SW.NO_ERROR, SW.MORE_DATA_AVAILABLE, SW.REFERENCED_DATA_NOT_FOUND] as const;
  const entries = decodeGetStatus(responseData(command, response, ...accepted));
  return entries.some((entry) => sameBytes(entry.aid, aid(ssdAid)));
}

// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { recordRead } from '../../store/issuer/seen-registry.ts';
import { type CardResources, decodeCardResources, getCardResources } from '../../wire/gp/card-resources.ts';
import { expecting, toPlainCommand } from '../../wire/gp/command.ts';
import { decodeGetStatus, getStatus, REGISTRY } from '../../wire/gp/get-status.ts';
import { fromHex } from '../../wire/hex.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { SW, statusWordToHex } from '../../wire/status-word.ts';
import { seenEntryOf } from '../seen-entry.ts';
import type { InstallContext, InstallFacts } from './context.ts';

/**
 * D7a: GET STATUS of all applications and the card's resources, in the round trip of D7, for the issuer's picture of
 * the card. There is one application at least. Neither answer is needed: one that is no registry is not kept.
 */
export async function* readContent({ request }: InstallFacts, { database }: InstallContext) {
  const status = expecting(getStatus(REGISTRY.APPLICATIONS), SW.NO_ERROR, SW.MORE_DATA_AVAILABLE);
  // The last of its script may end as it likes.
  const refusals = [SW.REFERENCED_DATA_NOT_FOUND, SW.INCORRECT_P1P2, SW.INS_NOT_SUPPORTED] as const;
  const responses: readonly CardResponse[] = yield [
    toPlainCommand(status),
    toPlainCommand(expecting(getCardResources(), SW.NO_ERROR, ...refusals)),
  ];
  const [applications, resources] = responses;
  const memory =
    resources?.sw === '9000' ? decoded(() => decodeCardResources(fromHex(resources.data, 256))) : undefined;
  const complete = applications?.sw === statusWordToHex(SW.NO_ERROR);
  const entries = complete ? decoded(() => decodeGetStatus(fromHex(applications.data, 4_096))) : undefined;
  await recordRead(database, request.cardId, {
    entries: (entries ?? []).map((entry) => seenEntryOf('application', entry)),
    complete: entries !== undefined,
    ...(memory === undefined ? {} : { memory: memory satisfies CardResources }),
  });
  return {};
}

function decoded<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

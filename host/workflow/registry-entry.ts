// SPDX-License-Identifier: Apache-2.0
import { readRegistry } from '../card/registry.ts';
import type { Aid } from '../wire/gp/aid.ts';
import { type GpCommand, toPlainCommand } from '../wire/gp/command.ts';
import { getStatus, type RegistryEntry } from '../wire/gp/get-status.ts';
import { sameBytes } from '../wire/hex.ts';
import type { CardResponse } from '../wire/message/card-script.ts';
import { sendProtected } from './engine/protected-script.ts';
import type { VisitContext } from './engine/unit.ts';

/**
 * The entry of exactly this name. A card takes the name for the beginning of names, lists in an order of its own, and
 * cuts its list (6310): nothing is absent before the list has ended. Each GET STATUS may end in an error, and so is
 * alone in its script.
 *
 * @param sought.subset P1 of GET STATUS, see `REGISTRY`
 * @param sought.first the answer to `statusOf`, where the row has sent that itself
 * @throws StatusWordError when the card refuses to go on
 * @throws WireError when what it lists is no registry, or has no end
 * @see GPCS 11.4
 */
export async function findEntry(
  { name, ...sought }: Omit<Parameters<typeof listEntries>[0], 'prefix'> & { readonly name: Aid },
  context: VisitContext,
  row: Row,
): Promise<RegistryEntry | undefined> {
  const { entries } = await listEntries({ ...sought, prefix: name }, context, row);
  return entries.find((entry) => sameBytes(entry.aid, name));
}

type Row = Omit<Parameters<typeof sendProtected>[2], 'commands'>;

/**
 * All entries whose names begin so, as `findEntry`. No MAC is over an error status word: whoever carries answers can
 * say 6A88 in place of any of them.
 *
 * @returns `isWhole` when the list ended in 9000, and so is the card's own word to its end
 */
export async function listEntries(
  sought: { readonly subset: number; readonly prefix: Uint8Array; readonly first?: CardResponse | undefined },
  context: VisitContext,
  row: Row,
): Promise<{ readonly entries: readonly RegistryEntry[]; readonly isWhole: boolean }> {
  const { subset, prefix } = sought;
  let { first } = sought;
  let last = '';
  const send = async (command: GpCommand): Promise<CardResponse> => {
    const told = first ?? (await sendProtected([toPlainCommand(command)], context, { ...row, commands: STATUS }))[0];
    first = undefined;
    last = told?.sw ?? '';
    return told ?? { data: '', sw: '' };
  };
  const entries = await readRegistry(send, subset, { prefix });
  return { entries, isWhole: last === '9000' };
}

const STATUS = ['GET STATUS'];

/** The command whose answer `findEntry` goes on from. */
export const statusOf = (subset: number, prefix: Uint8Array) => toPlainCommand(getStatus(subset, { prefix }));

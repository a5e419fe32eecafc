// SPDX-License-Identifier: Apache-2.0
import { StatusWordError, WireError } from '../errors.ts';
import { type GpCommand, responseData } from '../wire/gp/command.ts';
import { decodeGetStatus, getStatus, REGISTRY, type RegistryEntry } from '../wire/gp/get-status.ts';
import type { CardResponse } from '../wire/message/card-script.ts';
import { SW, statusWordToHex } from '../wire/status-word.ts';

/** Sends one command in the session that is open, in clear or wrapped. */
export type SendCommand = (command: GpCommand) => Promise<CardResponse>;

/** No card tells its registry in more answers than this; one that never ends is stopped. */
const MAX_ANSWERS = 64;

/**
 * One subset of the card's registry, over as many GET STATUS as the card wants.
 *
 * @param subset P1 of GET STATUS, see `REGISTRY`
 * @param options.prefix names that begin so alone
 * @throws StatusWordError when the card refuses
 * @throws WireError when the answers, joined, are no registry, or have no end
 * @see GPCS 11.4
 */
export async function readRegistry(
  send: SendCommand,
  subset: number,
  { prefix }: { readonly prefix?: Uint8Array } = {},
): Promise<RegistryEntry[]> {
  const answers: Uint8Array[] = [];
  for (let next = false; ; next = true) {
    const command = getStatus(subset, prefix === undefined ? { next } : { next, prefix });
    const response = await send(command);
    if (response.sw === statusWordToHex(SW.REFERENCED_DATA_NOT_FOUND)) break;
    answers.push(responseData(command, response, SW.NO_ERROR, SW.MORE_DATA_AVAILABLE));
    if (response.sw === statusWordToHex(SW.NO_ERROR)) break;
    if (answers.length === MAX_ANSWERS)
      throw new WireError('get-status-endless', 'The card announces registry entries without end', {
        got: answers.length,
      });
  }
  return decodeGetStatus(...answers);
}

/**
 * Load files with their modules, or without them from a card that tells no modules: 6A86 for P1 10.
 *
 * @throws StatusWordError when the card refuses both @throws WireError as `readRegistry`
 */
export async function readLoadFiles(send: SendCommand): Promise<RegistryEntry[]> {
  try {
    return await readRegistry(send, REGISTRY.LOAD_FILES_AND_MODULES);
  } catch (error) {
    if (!(error instanceof StatusWordError)) throw error;
    return readRegistry(send, REGISTRY.LOAD_FILES);
  }
}

// SPDX-License-Identifier: Apache-2.0
import { InvariantError } from '../../errors.ts';
import { runScript } from '../script-runner.ts';
import { loadReaderClass, type PcscReader } from './binding.ts';
import { HeldCard } from './held-card.ts';
import { type Request, type ScriptAnswer, tell } from './messages.ts';

/** Holds one card at a time: everything of PC/SC that may block happens where this does. */

const readerClass = loadReaderClass();
// The parent hears of it when it asks.
readerClass.catch(() => undefined);
/** Kept for ever: the add-on's readers do not survive the garbage collector. */
const readers = new Map<string, PcscReader>();
let held: HeldCard | undefined;
let isTaken = false;

async function readerOf(readerName: string): Promise<PcscReader> {
  const Reader = await readerClass;
  const reader = readers.get(readerName) ?? new Reader(readerName);
  readers.set(readerName, reader);
  return reader;
}

/** @throws InvariantError for a second card beside the first: commands would go to the wrong one */
async function open(readerName: string): Promise<void> {
  if (isTaken) throw new InvariantError('pcsc-card-held', 'This process holds a card already');
  isTaken = true;
  try {
    held = await HeldCard.open(await readerOf(readerName));
  } catch (error) {
    isTaken = false;
    throw error;
  }
}

function card(): HeldCard {
  if (held === undefined) throw new InvariantError('pcsc-no-card', 'This process holds no card');
  return held;
}

async function script(commands: Extract<Request, { type: 'script' }>['commands']): Promise<ScriptAnswer> {
  const { failure, ...outcome } = await runScript(card(), commands);
  return { ...outcome, ...(failure === undefined ? {} : { failure: tell(failure) }) };
}

/** Answers a request for the card. */
export async function hold(request: Request): Promise<unknown> {
  switch (request.type) {
    case 'open':
      await open(request.readerName);
      return;
    case 'transmit':
      return card().transmit(request.command, request);
    case 'script':
      return script(request.commands);
    case 'reset':
      await card().reset();
      return;
    case 'close':
      await held?.close();
      held = undefined;
      isTaken = false;
      return;
    default:
      throw new InvariantError('pcsc-request', `Who holds a card does not ${request.type}`);
  }
}

// SPDX-License-Identifier: Apache-2.0
import { lstat, mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StatusWordError, TransportError, WireError } from '../../errors.ts';
import type { GpCommand } from '../../wire/gp/command.ts';
import { noteFolder } from './fuse-file.ts';
import type { CardWork } from './session.ts';

/** Somebody else may have made the object anew and deleted it since. */
const LONGEST_MS = 24 * 60 * 60 * 1000;

/**
 * A note of this user's that a command was sent whose answer has not come. The same command again, behind a power cut
 * or a kill, tells by it its own work from what was not there before.
 */
class SentNote {
  readonly #file: string;

  /** @param what names the command among those for this card and domain; it becomes the file's name */
  constructor(cardName: string, what: string) {
    const user = process.getuid?.() ?? 0;
    const name = `${cardName} ${what} ${user}`.replaceAll(/[^A-Za-z0-9.-]/g, '_');
    this.#file = join(noteFolder(), `${name}.sent`);
  }

  /** True where an earlier run of this user sent it, within a day, and saw no answer. */
  async isThere(): Promise<boolean> {
    const found = await lstat(this.#file).catch(() => undefined);
    if (found === undefined || !found.isFile()) return false;
    const isOwn = process.getuid === undefined || found.uid === process.getuid();
    return isOwn && Date.now() - found.mtimeMs < LONGEST_MS;
  }

  /** Where nothing can be written the command goes all the same: only the word behind a broken link is lost. */
  async write(): Promise<void> {
    try {
      await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 });
      // An old one goes; what others laid there is not written to.
      await this.remove();
      await (await open(this.#file, 'wx', 0o600)).close();
    } catch {}
  }

  async remove(): Promise<void> {
    await rm(this.#file, { force: true }).catch(() => undefined);
  }
}

/** A card whose registry nobody can read tells nothing. */
function untold(error: unknown): undefined {
  if (!(error instanceof WireError)) throw error;
}

/** What a DELETE answers of something that is not there. */
const GONE: readonly unknown[] = ['6A88', '6A82'];

/** Of a deletion that an earlier run sent: the card shows now that nothing of the name is there. */
export const DELETED_BEFORE = 'deleted by an earlier run, whose answer was lost';

/**
 * A DELETE, with a note of it where the card has a name and shows the object. The note stands while the command is
 * under way, and stays where no answer comes.
 *
 * @param object.what names it, among all objects of this card and domain
 * @param object.shown whether the card shows it now; undefined where it tells nothing
 * @returns the answer, or undefined where an earlier run deleted it
 * @throws StatusWordError for every other refusal
 */
export async function deleteNoted(
  card: CardWork,
  command: GpCommand,
  object: { readonly what: string; readonly effect: string; readonly shown: () => Promise<boolean | undefined> },
): Promise<Uint8Array | undefined> {
  const { what, effect } = object;
  if (card.options.dryRun || card.cardId === undefined) return card.change(command, effect);
  const note = new SentNote(card.fuseName, what);
  const shown = await object.shown().catch(untold);
  const sentBefore = shown === false && (await note.isThere());
  if (shown === true) await note.write();
  try {
    const answer = await card.change(command, effect);
    await note.remove();
    return answer;
  } catch (error) {
    if (!(error instanceof TransportError)) await note.remove();
    if (sentBefore && error instanceof StatusWordError && GONE.includes(error.context.sw)) return undefined;
    throw error;
  }
}

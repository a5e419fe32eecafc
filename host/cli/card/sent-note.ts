// SPDX-License-Identifier: Apache-2.0
import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StatusWordError } from '../../errors.ts';
import type { GpCommand } from '../../wire/gp/command.ts';
import { fuseFolder } from './fuse-file.ts';
import type { CardWork } from './session.ts';

/**
 * A note beside the fuse that a command was sent whose answer has not come. The same command again, behind a power cut
 * or a kill, tells by it its own work from what was there, or was not, before.
 */
export class SentNote {
  readonly #file: string;

  private constructor(file: string) {
    this.#file = file;
  }

  /** @param what names the command among those for this card and domain; it becomes the file's name */
  static async of(card: CardWork, what: string): Promise<SentNote> {
    const name = `${card.fuseName} ${what}`.replaceAll(/[^A-Za-z0-9.-]/g, '_');
    return new SentNote(join(await fuseFolder(), `${name}.sent`));
  }

  /** True where an earlier run sent it and saw no answer. */
  async isThere(): Promise<boolean> {
    return access(this.#file).then(
      () => true,
      () => false,
    );
  }

  /** The note stands while the command is under way, and stays where no answer comes. */
  async around<T>(command: () => Promise<T>): Promise<T> {
    await this.#write();
    try {
      const answer = await command();
      await this.remove();
      return answer;
    } catch (error) {
      if (error instanceof StatusWordError) await this.remove();
      throw error;
    }
  }

  async remove(): Promise<void> {
    await rm(this.#file, { force: true });
  }

  /** Where nothing can be written the command goes all the same: only the word behind a broken link is lost. */
  async #write(): Promise<void> {
    await mkdir(join(this.#file, '..'), { recursive: true })
      .then(() => writeFile(this.#file, ''))
      .catch(() => undefined);
  }
}

/** What a DELETE answers of something that is not there. */
const GONE: readonly unknown[] = ['6A88', '6A82'];

/** Of a deletion that an earlier run sent: the card has answered now that nothing of the name is there. */
export const DELETED_BEFORE = 'deleted by an earlier run, whose answer was lost';

/**
 * A DELETE with a note of it.
 *
 * @param what names the object
 * @returns the answer, or undefined where an earlier run deleted it
 * @throws StatusWordError for every other refusal
 */
export async function deleteNoted(
  card: CardWork,
  command: GpCommand,
  what: string,
  effect: string,
): Promise<Uint8Array | undefined> {
  if (card.options.dryRun) return card.change(command, effect);
  const note = await SentNote.of(card, what);
  const sentBefore = await note.isThere();
  try {
    return await note.around(() => card.change(command, effect));
  } catch (error) {
    if (sentBefore && error instanceof StatusWordError && GONE.includes(error.context.sw)) return undefined;
    throw error;
  }
}

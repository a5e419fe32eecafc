// SPDX-License-Identifier: Apache-2.0
import type { AskedCommand } from '../../wire/message/asked-command.ts';
import { findValue } from '../../wire/uicc/cat-object.ts';
import { type ProactiveCommand, proactiveName } from '../../wire/uicc/proactive-command.ts';
import { Latest } from './latest.ts';
import { shownText } from './shown-texts.ts';

/** The last commands that cards had for their handset, for whoever watches. */

const MOST = 500;

export class AskedCommands {
  readonly #latest = new Latest<Omit<AskedCommand, 'number' | 'at'>>(MOST);

  /** @param result general result of the terminal's response */
  add(readerName: string, { type, qualifier, objects }: ProactiveCommand, result: number): void {
    const command = proactiveName(type) ?? type.toString(16).toUpperCase().padStart(2, '0');
    const shown = command === 'displayText' ? findValue(objects, 'textString') : undefined;
    const text = shown === undefined ? {} : { text: shownText(shown.dcs ?? 0, shown.text) };
    this.#latest.add({ readerName, command, qualifier, result, ...text });
  }

  /** As `Latest.after`. */
  after(number: number, waitMs: number): Promise<AskedCommand[]> {
    return this.#latest.after(number, waitMs);
  }

  close(): void {
    this.#latest.close();
  }
}

// SPDX-License-Identifier: Apache-2.0
import { Bells, readUntil } from '../../store/bells.ts';
import { toHex } from '../../wire/hex.ts';
import type { ShownText } from '../../wire/message/shown-text.ts';
import { decodeTextString } from '../../wire/uicc/text-string.ts';

/** The last texts that cards had their handset show, for whoever watches. */

const MOST = 100;
const BELL = 'texts';

export class ShownTexts {
  readonly #texts: ShownText[] = [];
  readonly #bells = new Bells();
  readonly #closing = new AbortController();
  readonly #now: () => Date;
  #count = 0;

  constructor(now: () => Date = () => new Date()) {
    this.#now = now;
  }

  add(readerName: string, { dcs, text }: { readonly dcs: number; readonly text: Uint8Array }): void {
    this.#count += 1;
    const told = { text: decodeTextString(dcs, text), dcs, bytes: toHex(text) };
    this.#texts.push({ number: this.#count, at: this.#now().toISOString(), readerName, ...told });
    if (this.#texts.length > MOST) this.#texts.shift();
    this.#bells.ring(BELL);
  }

  /**
   * Those after this number, oldest first, when there is one or the time is over. A number that is not reached yet is
   * of the terminal before it began anew: all are after it.
   */
  async after(number: number, waitMs: number): Promise<ShownText[]> {
    const last = number > this.#count ? 0 : number;
    const read = async () => this.#texts.filter((one) => one.number > last);
    const done = (found: readonly ShownText[]) => found.length > 0;
    return readUntil(this.#bells, BELL, read, { done, waitMs, signal: this.#closing.signal });
  }

  /** Nobody waits any more. */
  close(): void {
    this.#closing.abort('closed');
  }
}

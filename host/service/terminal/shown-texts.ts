// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../../wire/hex.ts';
import { MAX_SHOWN, type ShownText } from '../../wire/message/shown-text.ts';
import { decodeTextString } from '../../wire/uicc/text-string.ts';
import { Latest } from './latest.ts';

/** The last texts that cards had their handset show, for whoever watches. */

const MOST = 100;

/** As much of a text as is told. */
export const shownText = (dcs: number, text: Uint8Array): string =>
  decodeTextString(dcs, text).slice(0, MAX_SHOWN.characters);

export class ShownTexts {
  readonly #latest: Latest<Omit<ShownText, 'number' | 'at'>>;

  constructor(now?: () => Date) {
    this.#latest = new Latest(MOST, now);
  }

  add(readerName: string, { dcs, text }: { readonly dcs: number; readonly text: Uint8Array }): void {
    const bytes = toHex(text.slice(0, MAX_SHOWN.bytes));
    this.#latest.add({ readerName, text: shownText(dcs, text), dcs, bytes });
  }

  /** As `Latest.after`. */
  after(number: number, waitMs: number): Promise<ShownText[]> {
    return this.#latest.after(number, waitMs);
  }

  close(): void {
    this.#latest.close();
  }
}

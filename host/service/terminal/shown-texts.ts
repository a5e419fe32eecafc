// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../../wire/hex.ts';
import type { ShownText } from '../../wire/message/shown-text.ts';
import { decodeTextString } from '../../wire/uicc/text-string.ts';
import { Latest } from './latest.ts';

/** The last texts that cards had their handset show, for whoever watches. */

const MOST = 100;

export class ShownTexts {
  readonly #latest: Latest<Omit<ShownText, 'number' | 'at'>>;

  constructor(now?: () => Date) {
    this.#latest = new Latest(MOST, now);
  }

  add(readerName: string, { dcs, text }: { readonly dcs: number; readonly text: Uint8Array }): void {
    this.#latest.add({ readerName, text: decodeTextString(dcs, text), dcs, bytes: toHex(text) });
  }

  /** As `Latest.after`. */
  after(number: number, waitMs: number): Promise<ShownText[]> {
    return this.#latest.after(number, waitMs);
  }

  close(): void {
    this.#latest.close();
  }
}

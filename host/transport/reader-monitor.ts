// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { toHex } from '../wire/hex.ts';
import type { CardChannel } from './card-channel.ts';

/** A reader as the terminal reports it (card-script.ts TerminalInfo). */
export interface ReaderState {
  readonly readerName: string;
  readonly link: 'pcsc' | 'direct';
  readonly cardPresent: boolean;
  /** Empty without a card. */
  readonly atr: Uint8Array;
  /** Changes whenever a card is inserted or the reader comes back; never used twice, also after a restart. */
  readonly insertion: string;
}

/** Watches readers and opens channels to the cards in them. */
export interface ReaderMonitor extends AsyncDisposable {
  readonly readers: readonly ReaderState[];
  /** Calls back after each change; returns how to stop that. */
  onChange(listener: () => void): () => void;
  /**
   * Channel to the card in this reader, powered up. One at a time for each reader.
   *
   * @throws TransportError when there is no such reader, no card, or somebody else holds it
   */
  open(readerName: string): Promise<CardChannel>;
  close(): Promise<void>;
}

const START = toHex(randomBytes(6));
let insertions = 0;

/** A name for this insertion of a card that no other has. */
export function nextInsertion(): string {
  insertions += 1;
  return `${START}-${insertions}`;
}

/** Listeners of a monitor; one that throws does not keep the others from hearing. */
export class ChangeListeners {
  readonly #listeners = new Set<() => void>();

  add(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  notify(): void {
    for (const listener of this.#listeners) {
      try {
        listener();
      } catch {
        // Another's failure must not stop the watch.
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import { appendFile } from 'node:fs/promises';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';

/** One script as it went over a terminal link. */
export interface TrafficEntry {
  readonly at: string;
  readonly providerId: string;
  readonly terminalId: string;
  readonly readerName: string;
  readonly insertion: string;
  readonly fence: number;
  readonly commands: readonly CardCommand[];
  readonly responses: readonly CardResponse[];
  readonly failure?: string;
}

/** Writes every script to a file, one JSON line each: what a listener on the whole network would have. */
export class TrafficRecord {
  readonly #file: string;
  #last: Promise<void> = Promise.resolve();

  constructor(file: string) {
    this.#file = file;
  }

  /** Resolves when the entry is in the file; entries keep their order. */
  add(entry: TrafficEntry): Promise<void> {
    this.#last = this.#last.then(() => appendFile(this.#file, `${JSON.stringify(entry)}\n`, { mode: 0o600 }));
    return this.#last;
  }
}

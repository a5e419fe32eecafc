// SPDX-License-Identifier: Apache-2.0
import { appendFile } from 'node:fs/promises';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';

/** One script as it went out over a terminal link. */
export interface SentScript {
  readonly at: string;
  readonly providerId: string;
  readonly terminalId: string;
  readonly readerName: string;
  readonly insertion: string;
  readonly fence: number;
  readonly commands: readonly CardCommand[];
}

/** The same with what came back. */
export interface TrafficEntry extends SentScript {
  readonly responses: readonly CardResponse[];
  readonly failure?: string;
}

/** Beside the record: scripts as they go out, also those whose node dies before there is anything to record. */
export const sentFileOf = (file: string): string => `${file}.sent`;

/** Writes every script to a file, one JSON line each: what a listener on the whole network would have. */
export class TrafficRecord {
  readonly #file: string;
  #last: Promise<void> = Promise.resolve();

  constructor(file: string) {
    this.#file = file;
  }

  /** Resolves when it is in the file of what was sent: to be awaited before anything goes. */
  sends(script: SentScript): Promise<void> {
    return this.#append(sentFileOf(this.#file), script);
  }

  /** Resolves when the entry is in the file; entries keep their order. */
  add(entry: TrafficEntry): Promise<void> {
    return this.#append(this.#file, entry);
  }

  #append(file: string, line: object): Promise<void> {
    this.#last = this.#last.then(() => appendFile(file, `${JSON.stringify(line)}\n`, { mode: 0o600 }));
    return this.#last;
  }
}

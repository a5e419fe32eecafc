// SPDX-License-Identifier: Apache-2.0
/** Where a person watches: standard error, when it is a terminal. */
export interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const WIPE_LINE = '\r\u001B[K';

/** `what: 12 of 80`, on one line that each step writes anew and the last one wipes; nothing where nobody watches. */
export function showProgress(terminal: Terminal, what: string, done: number, total: number): void {
  if (terminal.isTTY !== true) return;
  terminal.write(done === total ? WIPE_LINE : `${WIPE_LINE}${what}: ${done} of ${total}`);
}

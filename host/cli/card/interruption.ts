// SPDX-License-Identifier: Apache-2.0
/** Of a process that a signal ended, as shells count: 128 and the number of SIGINT. */
const INTERRUPTED = 130;

/** What whoever interrupted it can rely on. @param repeatable false where the same again could do a thing twice */
const said = (repeatable: boolean): string =>
  repeatable
    ? 'what the card had got is done, whole commands only, and the rest is not. ' +
      'Run the same command again, or look first with tsm card list and tsm card keys'
    : 'the last command may be done or not, so look first: the same again may do it twice';

/** Runs work with a card; Ctrl-C ends the process with what the person at the terminal can rely on. */
export async function interruptible<T>(repeatable: boolean, work: () => Promise<T>): Promise<T> {
  const stop = (): never => {
    process.stderr.write(`\ntsm: interrupted: ${said(repeatable)}\n`);
    process.exit(INTERRUPTED);
  };
  process.once('SIGINT', stop);
  try {
    return await work();
  } finally {
    process.off('SIGINT', stop);
  }
}

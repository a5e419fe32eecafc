// SPDX-License-Identifier: Apache-2.0
import { StatusWordError, TsmError } from '../errors.ts';

/** What `--json` prints in place of a result. */
export interface Failure {
  readonly error: {
    readonly code: string;
    readonly message: string;
    /** As the process ends: docs/cli.md, Exit codes. */
    readonly exitCode: number;
    /** Four hex digits, where the card said no. */
    readonly statusWord?: string;
  };
}

/** Nothing of the error's context goes along but the status word: files, keys and data stay out. */
export function failureOf(error: unknown, exitCode: number): Failure {
  const code = error instanceof TsmError ? error.code : exitCode === 2 ? 'usage' : 'internal';
  const message = (error instanceof Error ? error.message : String(error)).replace(/^error: /, '');
  const sw = error instanceof StatusWordError ? String(error.context.sw) : '';
  return { error: { code, message, exitCode, ...(/^[0-9A-F]{4}$/i.test(sw) ? { statusWord: sw } : {}) } };
}

/** Prints a failure where the command line asks for JSON, and nothing stands on standard output yet. */
export function printFailure(argv: readonly string[], error: unknown, exitCode: number): void {
  if (!argv.includes('--json') || process.stdout.bytesWritten > 0) return;
  process.stdout.write(`${JSON.stringify(failureOf(error, exitCode), null, 2)}\n`);
}

// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

type Result = Readonly<Record<string, unknown>>;

function written(file: string): Result {
  if (!existsSync(file)) return {};
  const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
  return typeof content === 'object' && content !== null ? { ...content } : {};
}

/**
 * Writes what a run has measured in place of what the run of the same kind before it has; what runs of other kinds
 * have measured stays, behind it.
 */
export function writeResult(file: string, measured: Result): void {
  const kept = Object.entries(written(file)).filter(([name]) => !(name in measured));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ ...measured, ...Object.fromEntries(kept) }, null, 2)}\n`);
}

// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The repository's root. */
export const ROOT = join(import.meta.dirname, '..', '..');
export const BIN = join(import.meta.dirname, '..', 'bin', 'ant-javacard.mjs');

export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Starts the command as npx does, in a folder, with the variables that choose a task removed unless given. */
export function antJavacard(
  args: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
  input = '',
): Outcome {
  const { ANT_JAVACARD_JAR: _jar, JC_HOME: _home, ...rest } = process.env;
  const run = spawnSync(process.execPath, [BIN, ...args], {
    cwd,
    env: { OPENTSM_TOOLCHAIN_CACHE: join(ROOT, 'build', 'toolchain'), ...rest, ...env },
    input,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

/** Runs the test in a folder of its own, which is gone afterwards. */
export function inFolder(test: (folder: string) => void | Promise<void>): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ant-javacard-'));
    try {
      await test(folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

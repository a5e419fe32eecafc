// SPDX-License-Identifier: Apache-2.0
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { UsageError } from './errors.ts';

/** Runs Ant on a build file, or the verifier on a CAP file, without output; its exit code. */
export interface CorpusRuns {
  readonly build: (file: string) => number;
  readonly verify: (cap: string) => number;
}

const TASKS = /<(\w+:)?(javacard|convert)\b/;
const SKIPPED = /(^|[\\/])(\.git|node_modules)([\\/]|$)/;

/** Files below a folder, by path. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => !SKIPPED.test(name))
    .map((name) => join(folder, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true)
    .toSorted();
}

const isBuildFile = (file: string): boolean => file.endsWith('.xml') && TASKS.test(readFileSync(file, 'latin1'));

const isCap = (file: string): boolean => /\.cap$/i.test(file) && dirname(file).split(/[\\/]/).at(-1) !== 'javacard';

/**
 * Builds every build file below folders that has a `<javacard>` or `<convert>`, on a copy, and verifies the CAP files
 * that came of it.
 *
 * @param print takes a line for each that fails, and one with the counts
 * @returns exit code: 0 when all were built and verified, and there was one
 * @throws UsageError when a folder is not there
 */
export function corpus(
  folders: readonly string[],
  cwd: string,
  runs: CorpusRuns,
  print: (line: string) => void,
): number {
  if (folders.length === 0) throw new UsageError('corpus takes folders with build files: ant-javacard corpus DIR..');
  const counts = { files: 0, built: 0, caps: 0, verified: 0 };
  for (const folder of folders) {
    const source = resolve(cwd, folder);
    if (!existsSync(source)) throw new UsageError(`there is no ${source}`);
    const copy = mkdtempSync(join(tmpdir(), 'ant-javacard-corpus-'));
    try {
      cpSync(source, copy, { recursive: true, filter: (name) => !SKIPPED.test(relative(source, name)) });
      const before = new Set(filesBelow(copy).filter(isCap));
      for (const file of filesBelow(copy).filter(isBuildFile)) {
        counts.files += 1;
        if (runs.build(file) === 0) counts.built += 1;
        else print(`${join(folder, relative(copy, file))}: is not built; ant-javacard -f says why`);
      }
      for (const cap of filesBelow(copy).filter((file) => isCap(file) && !before.has(file))) {
        counts.caps += 1;
        if (runs.verify(cap) === 0) counts.verified += 1;
        else print(`${join(folder, relative(copy, cap))}: is not verified`);
      }
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  }
  const { files, built, caps, verified } = counts;
  print(`${files} build files: ${built} built; ${caps} CAP files: ${verified} verified`);
  return files > 0 && built === files && verified === caps ? 0 : 1;
}

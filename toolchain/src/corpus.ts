// SPDX-License-Identifier: Apache-2.0
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { UsageError } from './errors.ts';

/** Runs Ant on a build file, or the verifier on a CAP file, without output; its exit code. */
export interface CorpusRuns {
  readonly build: (file: string) => number;
  readonly verify: (cap: string) => number;
}

const TASKS = /<(\w+:)?(javacard|convert)\b/;
const OUTSIDE = /^\.\.([\\/]|$)/;
const SKIPPED = /(^|[\\/])(\.git|node_modules)([\\/]|$)/;

/** What is below a folder but folders. A link to one is not gone into, as readdir does: it may lead round. */
function entriesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? entriesBelow(path) : [path];
  });
}

/** Files below a folder, by path. */
function filesBelow(folder: string): string[] {
  return entriesBelow(folder)
    .filter((path) => !SKIPPED.test(relative(folder, path)) && existsSync(path) && statSync(path).isFile())
    .toSorted();
}

/**
 * Copies a folder. A relative link that stays in it leads to the copy, or a build would write to the original; one that
 * leads out leads to the same place as before.
 */
function copyFolder(source: string, copy: string): void {
  const filter = (name: string): boolean => !SKIPPED.test(relative(source, name));
  cpSync(source, copy, { recursive: true, verbatimSymlinks: true, filter });
  for (const link of entriesBelow(copy)) {
    if (!lstatSync(link).isSymbolicLink()) continue;
    const target = readlinkSync(link);
    if (!OUTSIDE.test(relative(copy, resolve(dirname(link), target)))) continue;
    rmSync(link);
    symlinkSync(resolve(dirname(join(source, relative(copy, link))), target), link);
  }
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
      copyFolder(source, copy);
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

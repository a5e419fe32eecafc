// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { ToolchainError } from './errors.ts';
import { STARTER_FILES } from './starter-files.ts';

const TOOLCHAIN = resolve(import.meta.dirname, '..');

/** What a starter project's package.json says of the two packages, and what is done to make it true. */
export interface Packages {
  readonly antJavacard: string;
  readonly runner: string;
  /** Fills the new project's folder; nothing to do for links. */
  readonly prepare: () => void;
}

/** Links to where the packages are on this machine: quick, and of no use to another machine. */
export function linkedPackages(): Packages {
  const link = (folder: string): string => `file:${folder.replaceAll('\\', '/')}`;
  return { antJavacard: link(TOOLCHAIN), runner: link(runnerFolder() ?? 'jcardsim-runner'), prepare: () => undefined };
}

/** Copies in the project's own folder `packages/`, so that it works wherever it is cloned. */
export function packedPackages(folder: string): Packages {
  const packages = join(folder, 'packages');
  const runner = runnerFolder();
  if (runner === undefined) {
    throw new ToolchainError(
      'the package jcardsim-runner is not beside this one; install it too, or use "init DIR --link"',
    );
  }
  return {
    antJavacard: 'file:packages/ant-javacard.tgz',
    runner: 'file:packages/jcardsim-runner.tgz',
    prepare: () => {
      mkdirSync(packages);
      pack(TOOLCHAIN, packages, 'ant-javacard.tgz');
      pack(runner, packages, 'jcardsim-runner.tgz');
    },
  };
}

function runnerFolder(): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve('jcardsim-runner'));
  } catch {
    // Not installed: only "simulate" and the starter's test need it.
    return undefined;
  }
}

function pack(source: string, target: string, name: string): void {
  const work = join(target, 'work');
  mkdirSync(work);
  const run = spawnSync('npm', ['pack', source, '--pack-destination', work], {
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  const [made] = run.status === 0 ? readdirSync(work) : [];
  if (made === undefined) {
    throw new ToolchainError(
      `npm pack ${source} failed: ${(run.error?.message ?? run.stderr ?? '').trim().split('\n').at(-1)}`,
    );
  }
  writeFileSync(join(target, name), readFileSync(join(work, made)));
  rmSync(work, { recursive: true });
}

/**
 * Writes a starter project: an applet, its build file, a test and a CI file.
 *
 * @returns the files written, relative to the folder
 * @throws ToolchainError when the folder has files already: nothing is overwritten
 */
export function writeStarter(folder: string, packages: Packages): string[] {
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new ToolchainError(`${folder} is not empty; a starter project needs a folder of its own`);
  }
  for (const [name, text] of Object.entries(STARTER_FILES)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    const filled = text.replace('%ANT-JAVACARD%', packages.antJavacard).replace('%JCARDSIM-RUNNER%', packages.runner);
    writeFileSync(join(folder, name), filled, { flag: 'wx' });
  }
  packages.prepare();
  return Object.keys(STARTER_FILES);
}

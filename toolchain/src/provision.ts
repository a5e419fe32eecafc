// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCommand } from './command-path.ts';
import { ToolchainError } from './errors.ts';
import { DEPENDENCY_PLUGIN, MODULES, PINNED_JARS } from './pins.ts';
import { buildInputs, sourceHash } from './source-hash.ts';

const JAVA_FOLDER = join(dirname(fileURLToPath(import.meta.url)), '..', 'java');
const KEEP_DAYS = 30;
type Environment = Readonly<Record<string, string | undefined>>;

/** A provisioned toolchain: its folder and the jars in it. */
export interface Toolchain {
  readonly folder: string;
  /** All jars, ours first. */
  readonly jars: readonly string[];
  /** Ant alone, for running another task than ours. */
  readonly antJars: readonly string[];
  /** True when it was built just now. */
  readonly fresh: boolean;
}

/** Where toolchains are kept: one folder per hash of their sources. */
export function cacheRoot(env: Environment): string {
  if (env.OPENTSM_TOOLCHAIN_CACHE) return env.OPENTSM_TOOLCHAIN_CACHE;
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'opentsm', 'toolchain');
}

/**
 * Gives the toolchain built from the present sources; Maven runs only when the cache does not have it.
 *
 * @throws ToolchainError when Maven is missing or fails, or a jar's checksum is not the pinned one
 */
export function provision(options: { env: Environment; offline: boolean; log: (line: string) => void }): Toolchain {
  const root = cacheRoot(options.env);
  const folder = join(root, sourceHash(JAVA_FOLDER));
  const fresh = !existsSync(join(folder, 'complete'));
  if (fresh) {
    options.log('ant-javacard: building the toolchain (first use, or its sources changed)');
    build(root, folder, options);
    removeOld(root, folder);
  }
  const jars = readdirSync(folder)
    .filter((name) => name.endsWith('.jar') && !name.startsWith('stubs-'))
    .sort((a, b) => Number(b.startsWith('opentsm-')) - Number(a.startsWith('opentsm-')) || (a < b ? -1 : 1))
    .map((name) => join(folder, name));
  return { folder, jars, fresh, antJars: jars.filter((jar) => /[/\\]ant(-launcher)?-[\d.]+\.jar$/.test(jar)) };
}

function build(root: string, folder: string, options: { env: Environment; offline: boolean }): void {
  mkdirSync(root, { recursive: true });
  const work = mkdtempSync(join(root, 'build-'));
  try {
    // Building a copy keeps the checkout untouched, which may be read-only or in the middle of another build.
    for (const file of buildInputs(JAVA_FOLDER)) cpSync(file, join(work, 'java', relative(JAVA_FOLDER, file)));
    const lib = join(work, 'lib');
    runMaven(join(work, 'java'), lib, options);
    for (const module of MODULES) copyOwnJar(join(work, 'java', module, 'target'), lib);
    checkPins(lib);
    writeFileSync(join(lib, 'complete'), `${new Date().toISOString()}\n`);
    publish(lib, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Another process may have been faster: its result is as good as ours. */
function publish(lib: string, folder: string): void {
  if (existsSync(folder) && !existsSync(join(folder, 'complete'))) rmSync(folder, { recursive: true, force: true });
  try {
    renameSync(lib, folder);
  } catch (error) {
    if (!existsSync(join(folder, 'complete'))) throw error;
  }
}

function runMaven(project: string, lib: string, options: { env: Environment; offline: boolean }): void {
  const goals = [
    'package',
    `${DEPENDENCY_PLUGIN}:copy-dependencies`,
    '-DincludeScope=runtime',
    `-DoutputDirectory=${lib}`,
  ];
  callMaven(['-f', join(project, 'pom.xml'), '-Dmaven.test.skip=true', ...goals], options);
}

function callMaven(goals: readonly string[], options: { env: Environment; offline: boolean }): void {
  const args = ['-q', '-B', ...(options.offline ? ['-o'] : []), ...goals];
  const maven = findCommand('mvn', options.env);
  if (maven === undefined)
    throw new ToolchainError(
      'Maven (mvn) is needed once to fetch Ant and build the toolchain; it is not on the PATH. Install it, for example "apt-get install maven"',
    );
  const result = spawnSync(maven, args, {
    env: options.env,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    timeout: 900_000,
    shell: process.platform === 'win32',
  });
  if (result.status !== 0) {
    const lines = `${result.stdout ?? ''}${result.stderr ?? ''}`.split('\n').filter((line) => line.includes('ERROR'));
    const shown = lines.slice(0, 12).join('\n');
    throw new ToolchainError(
      `Maven could not build the toolchain:\n${shown || String(result.error ?? result.signal ?? result.status)}`,
    );
  }
}

function copyOwnJar(target: string, lib: string): void {
  const name = existsSync(target)
    ? readdirSync(target).find((file) => /^opentsm-[a-z]+-[\d.]+\.jar$/.test(file))
    : undefined;
  if (name === undefined) throw new ToolchainError(`the toolchain build left no jar in ${target}`);
  cpSync(join(target, name), join(lib, name));
}

/** Every foreign jar must be one we know, with the bytes we know. */
export function checkPins(lib: string): void {
  const names = readdirSync(lib).filter((name) => !name.startsWith('opentsm-'));
  for (const name of names) {
    const pinned = PINNED_JARS[name];
    const actual = createHash('sha256')
      .update(readFileSync(join(lib, name)))
      .digest('hex');
    if (pinned !== actual) {
      const what = pinned === undefined ? 'is not one of the pinned jars' : `should be ${pinned}`;
      throw new ToolchainError(`${name} has SHA-256 ${actual}, which ${what}; nothing was installed`);
    }
  }
  const missing = Object.keys(PINNED_JARS).filter((name) => name.startsWith('ant-') && !names.includes(name));
  if (missing.length > 0) throw new ToolchainError(`Maven did not deliver ${missing.join(', ')}`);
}

function removeOld(root: string, keep: string): void {
  const limit = Date.now() - KEEP_DAYS * 86_400_000;
  for (const name of readdirSync(root)) {
    const path = join(root, name);
    if (path !== keep && /^([0-9a-f]{24}|build-\w+)$/.test(name) && statSync(path).mtimeMs < limit) {
      rmSync(path, { recursive: true, force: true });
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, realpathSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { findCommand } from './command-path.ts';
import { ToolchainError } from './errors.ts';

/** Quick start matters more than peak speed: builds last a second or two. */
const JVM_FLAGS = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xss4m', '-Dfile.encoding=UTF-8'];
/** The JVM's own remarks go to standard output and are not for our users; errors stay. */
const QUIET = ['-Xlog:disable', '-Xlog:all=error:stderr'];

type Environment = Readonly<Record<string, string | undefined>>;

export interface JavaRun {
  readonly env: Environment;
  readonly cwd: string;
  readonly classPath: readonly string[];
  readonly properties?: Readonly<Record<string, string>>;
  readonly mainClass: string;
  readonly args: readonly string[];
  /** More flags for the JVM. */
  readonly flags?: readonly string[];
  readonly quiet?: boolean;
}

/**
 * Runs a Java program with our standard streams.
 *
 * @returns its exit code
 * @throws ToolchainError when there is no Java
 */
export function runJava(run: JavaRun): number {
  const properties = Object.entries(run.properties ?? {}).map(([name, value]) => `-D${name}=${value}`);
  const flags = [...JVM_FLAGS, ...QUIET, ...(run.flags ?? []), ...properties];
  const args = [...flags, '-cp', run.classPath.join(delimiter), run.mainClass, ...run.args];
  const stdio = run.quiet === true ? 'ignore' : 'inherit';
  const result = spawnSync(findJava(run.env), args, { cwd: run.cwd, env: run.env, stdio });
  if (result.error !== undefined) {
    throw new ToolchainError(`cannot start Java: ${result.error.message}`, { cause: result.error });
  }
  return result.status ?? 1;
}

/** Names the JVM that would run: what one JVM stored for itself does not serve another. */
export function javaIdentity(env: Environment): string {
  const file = realpathSync(findJava(env));
  return createHash('sha256')
    .update(`${file}\0${statSync(file).mtimeMs}`)
    .digest('hex')
    .slice(0, 12);
}

function findJava(env: Environment): string {
  if (env.JAVA_HOME) {
    const java = join(env.JAVA_HOME, 'bin', process.platform === 'win32' ? 'java.exe' : 'java');
    if (!existsSync(java)) throw new ToolchainError(`JAVA_HOME is ${env.JAVA_HOME}, but ${java} does not exist`);
    return java;
  }
  const java = findCommand('java', env);
  if (java === undefined) {
    throw new ToolchainError('a JDK (17 or later) is needed: neither JAVA_HOME is set nor java is on the PATH');
  }
  return java;
}

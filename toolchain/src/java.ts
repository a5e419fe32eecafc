import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ToolchainError } from './errors.ts';
import { findCommand } from './provision.ts';

/** Quick start matters more than peak speed: builds last a second or two. */
const JVM_FLAGS = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto', '-Xss4m', '-Dfile.encoding=UTF-8'];

export interface JavaRun {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly classPath: readonly string[];
  readonly properties?: Readonly<Record<string, string>>;
  readonly mainClass: string;
  readonly args: readonly string[];
}

/**
 * Runs a Java program with our standard streams.
 *
 * @returns its exit code
 * @throws ToolchainError when there is no Java
 */
export function runJava(run: JavaRun): number {
  const properties = Object.entries(run.properties ?? {}).map(([name, value]) => `-D${name}=${value}`);
  const args = [...JVM_FLAGS, ...properties, '-cp', run.classPath.join(delimiter), run.mainClass, ...run.args];
  const result = spawnSync(findJava(run.env), args, { cwd: run.cwd, env: run.env, stdio: 'inherit' });
  if (result.error !== undefined)
    throw new ToolchainError(`cannot start Java: ${result.error.message}`, { cause: result.error });
  return result.status ?? 1;
}

function findJava(env: Readonly<Record<string, string | undefined>>): string {
  if (env.JAVA_HOME) {
    const java = join(env.JAVA_HOME, 'bin', process.platform === 'win32' ? 'java.exe' : 'java');
    if (!existsSync(java)) throw new ToolchainError(`JAVA_HOME is ${env.JAVA_HOME}, but ${java} does not exist`);
    return java;
  }
  const java = findCommand('java', env);
  if (java === undefined)
    throw new ToolchainError('a JDK (17 or later) is needed: neither JAVA_HOME is set nor java is on the PATH');
  return java;
}

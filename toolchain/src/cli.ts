// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Arguments, HELP, parseArguments } from './arguments.ts';
import { type Choice, chooseTask } from './choose.ts';
import { archiveFlags, recordClasses } from './class-archive.ts';
import { corpus } from './corpus.ts';
import { ToolchainError, UsageError } from './errors.ts';
import { runJava } from './java.ts';
import { ANT_VERSION } from './pins.ts';
import { provision, type Toolchain } from './provision.ts';
import { simulate } from './simulate.ts';
import { linkedPackages, packedPackages, writeStarter } from './starter.ts';

/** Ant options that look for the build file themselves, or need none. */
const NO_BUILD_FILE = new Set(['-find', '-s', '-version', '-diagnostics']);

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The command line.
 *
 * @returns the exit code: 0 done, 1 failed, 2 wrong usage
 */
export async function main(argv: readonly string[], env: Environment, cwd: string): Promise<number> {
  try {
    const parsed = parseArguments(argv);
    if (parsed.help) return print(HELP);
    if (parsed.version) return print(`ant-javacard ${packageVersion()} with Ant ${ANT_VERSION}\n`);
    if (parsed.command === 'init') return init(parsed, cwd);
    if (parsed.command === 'simulate') return await simulate(parsed.operands, cwd, process.stdin, process.stdout);
    if (parsed.command === 'corpus') return runCorpus(parsed, env, cwd);
    return parsed.command === undefined ? runAnt(parsed, env, cwd) : runTool(parsed, env, cwd);
  } catch (error) {
    if (!(error instanceof ToolchainError)) throw error;
    process.stderr.write(`ant-javacard: ${error.message}\n`);
    return error.exitCode;
  }
}

function runAnt(parsed: Arguments, env: Environment, cwd: string): number {
  const buildFile = resolve(cwd, parsed.buildFile ?? 'build.xml');
  const choice = chooseTask({ jckit: parsed.jckit, env, cwd, buildFile });
  if (parsed.explain) return print(explanation(choice));
  const findsItself = parsed.buildFile === undefined && parsed.ant.some((word) => NO_BUILD_FILE.has(word));
  if (!findsItself && !existsSync(buildFile)) {
    throw new UsageError(
      `there is no ${buildFile}; name the build file with -f, or start a project with "ant-javacard init DIR"`,
    );
  }
  const toolchain = readyToolchain(parsed, env);
  const file = findsItself ? [] : ['-f', buildFile];
  const common = { env, cwd, mainClass: 'org.apache.tools.ant.Main' };
  if (choice.task === 'original') {
    const args = [...file, `-Djc.home=${choice.kit}`, ...parsed.ant];
    return runJava({
      ...common,
      env: { ...env, JC_HOME: choice.kit },
      classPath: [choice.jar, ...toolchain.antJars],
      args,
    });
  }
  const args = [...file, '-listener', 'org.opentsm.ant.DefineTask', ...parsed.ant];
  return runJava({
    ...common,
    classPath: toolchain.jars,
    properties: { 'opentsm.cache': toolchain.folder },
    flags: archiveFlags(toolchain, env),
    args,
  });
}

function readyToolchain(parsed: Arguments, env: Environment): Toolchain {
  const log = (line: string): boolean => process.stderr.write(`${line}\n`);
  const toolchain = provision({ env, offline: parsed.offline, log });
  if (toolchain.fresh) recordClasses(toolchain, env);
  return toolchain;
}

function explanation(choice: Choice): string {
  const head =
    choice.task === 'own'
      ? 'own: the toolchain of this package, no vendor SDK'
      : `original: ant-javacard from ${choice.jar} with the SDK in ${choice.kit}`;
  return `${[head, ...choice.reasons.map((reason) => `  ${reason}`)].join('\n')}\n`;
}

function runTool(parsed: Arguments, env: Environment, cwd: string): number {
  const toolchain = readyToolchain(parsed, env);
  return runJava({
    env,
    cwd,
    classPath: toolchain.jars,
    flags: archiveFlags(toolchain, env),
    properties: { 'opentsm.lib': toolchain.folder },
    mainClass: 'org.opentsm.ant.Tool',
    args: [parsed.command ?? '', ...parsed.operands],
  });
}

function runCorpus(parsed: Arguments, env: Environment, cwd: string): number {
  const toolchain = readyToolchain(parsed, env);
  const common = { env, classPath: toolchain.jars, flags: archiveFlags(toolchain, env), quiet: true };
  const build = (file: string): number =>
    runJava({
      ...common,
      cwd: dirname(file),
      properties: { 'opentsm.cache': toolchain.folder },
      mainClass: 'org.apache.tools.ant.Main',
      args: ['-f', file, '-listener', 'org.opentsm.ant.DefineTask'],
    });
  const verify = (cap: string): number =>
    runJava({ ...common, cwd, mainClass: 'org.opentsm.ant.Tool', args: ['verify', cap] });
  return corpus(parsed.operands, cwd, { build, verify }, (line) => print(`${line}\n`));
}

function init(parsed: Arguments, cwd: string): number {
  const link = parsed.operands.includes('--link');
  const [folder, ...rest] = parsed.operands.filter((word) => word !== '--link');
  if (folder === undefined || rest.length > 0)
    throw new UsageError('init takes one folder: ant-javacard init DIR [--link]');
  const written = writeStarter(resolve(cwd, folder), link ? linkedPackages() : packedPackages(resolve(cwd, folder)));
  return print(`${written.map((file) => `  ${file}`).join('\n')}\nNext: cd ${folder} && npx ant-javacard\n`);
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

function packageVersion(): string {
  const text = readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

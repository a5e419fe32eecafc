// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { ToolchainError, UsageError } from './errors.ts';

/** Which implementation of the `<javacard>` task runs, and the reasons, in the order they were looked at. */
export type Choice =
  | { readonly task: 'own'; readonly reasons: readonly string[] }
  | { readonly task: 'original'; readonly jar: string; readonly kit: string; readonly reasons: readonly string[] };

export interface ChoiceInput {
  /** Value of --jckit. */
  readonly jckit: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The build file, absolute; it may not exist. */
  readonly buildFile: string;
}

/** One file of each generation of the SDK; any of them makes a folder a kit. */
const KIT_FILES = ['lib/tools.jar', 'lib/converter.jar', 'lib/api21.jar', 'bin/converter.jar'];

/**
 * Chooses the original ant-javacard when its jar and a Java Card SDK are both there, else our own task.
 *
 * @throws ToolchainError when something was asked for by name and is not there
 */
export function chooseTask(input: ChoiceInput): Choice {
  const reasons: string[] = [];
  const jar = originalJar(input, reasons);
  const kit = kitFolder(input, reasons);
  if (jar !== undefined && kit !== undefined) {
    return { task: 'original', jar, kit, reasons: [...reasons, 'both are there, so the original task runs'] };
  }
  if (input.jckit !== undefined) {
    throw new UsageError(
      '--jckit asks for the original ant-javacard, but its jar is not known: set ANT_JAVACARD_JAR to the file, or ' +
        'leave --jckit out to build without a vendor SDK',
    );
  }
  return { task: 'own', reasons: [...reasons, 'the original needs both, so our own task and converter run'] };
}

function originalJar(input: ChoiceInput, reasons: string[]): string | undefined {
  const named = input.env.ANT_JAVACARD_JAR;
  if (named !== undefined && named !== '') {
    const jar = resolve(input.cwd, named);
    if (!isFile(jar)) throw new ToolchainError(`ANT_JAVACARD_JAR names ${jar}, which is not a file`);
    if (!startsLikeZip(jar)) throw new ToolchainError(`ANT_JAVACARD_JAR names ${jar}, which is not a jar`);
    reasons.push(`jar: ${jar} (ANT_JAVACARD_JAR)`);
    return jar;
  }
  const beside = join(dirname(input.buildFile), 'ant-javacard.jar');
  if (isFile(beside) && startsLikeZip(beside)) {
    reasons.push(`jar: ${beside} (beside the build file)`);
    return beside;
  }
  reasons.push('jar: none (ANT_JAVACARD_JAR is not set, no ant-javacard.jar beside the build file)');
  return undefined;
}

function kitFolder(input: ChoiceInput, reasons: string[]): string | undefined {
  if (input.jckit !== undefined) {
    const kit = resolve(input.cwd, input.jckit);
    if (!isKit(kit))
      throw new ToolchainError(
        `--jckit names ${kit}, which is not a Java Card SDK: none of ${KIT_FILES.join(', ')} is in it`,
      );
    reasons.push(`SDK: ${kit} (--jckit)`);
    return kit;
  }
  const home = input.env.JC_HOME;
  if (home !== undefined && home !== '') {
    const kit = resolve(input.cwd, home);
    if (isKit(kit)) {
      reasons.push(`SDK: ${kit} (JC_HOME)`);
      return kit;
    }
    reasons.push(`SDK: JC_HOME names ${kit}, which is not a Java Card SDK: only a level in its name counts`);
    return undefined;
  }
  for (const named of kitsInBuildFile(input.buildFile)) {
    const kit = isAbsolute(named) ? named : resolve(dirname(input.buildFile), named);
    if (isKit(kit)) {
      reasons.push(`SDK: ${kit} (jckit in the build file)`);
      return kit;
    }
  }
  reasons.push('SDK: none (no --jckit, JC_HOME is not set, no folder named by jckit in the build file)');
  return undefined;
}

/** Values of jckit attributes that hold no Ant property: the rest is Ant's to resolve. */
function kitsInBuildFile(buildFile: string): string[] {
  if (!isFile(buildFile) || statSync(buildFile).size > 4_000_000) return [];
  const text = readFileSync(buildFile, 'utf8');
  return [...text.matchAll(/\bjckit\s*=\s*"([^"$]{1,1000})"/g)].map((match) => match[1] ?? '');
}

function isKit(folder: string): boolean {
  return KIT_FILES.some((name) => isFile(join(folder, name)));
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}

function startsLikeZip(path: string): boolean {
  return readFileSync(path).subarray(0, 2).toString('latin1') === 'PK';
}

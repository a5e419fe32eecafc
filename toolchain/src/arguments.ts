// SPDX-License-Identifier: Apache-2.0
import { UsageError } from './errors.ts';

/** Commands that are not Ant targets; a target of the same name is reached with `-f build.xml NAME`. */
export const COMMANDS = [
  'init',
  'verify',
  'dump',
  'diff',
  'size',
  'exp',
  'convert',
  'kit',
  'stubs',
  'corpus',
  'simulate',
] as const;
export type Command = (typeof COMMANDS)[number];

/** What the command line asks for. */
export interface Arguments {
  /** A command, or undefined to run Ant. */
  readonly command: Command | undefined;
  /** Arguments of the command. */
  readonly operands: readonly string[];
  /** Ant's own arguments: targets and options we do not interpret. */
  readonly ant: readonly string[];
  readonly buildFile: string | undefined;
  readonly jckit: string | undefined;
  readonly explain: boolean;
  readonly offline: boolean;
  readonly help: boolean;
  readonly version: boolean;
}

const BUILD_FILE = new Set(['-f', '-file', '-buildfile', '--file']);
const FLAGS = new Map<string, 'explain' | 'offline' | 'help' | 'version'>([
  ['--explain', 'explain'],
  ['--offline', 'offline'],
  ['--help', 'help'],
  ['-h', 'help'],
  ['-help', 'help'],
  ['--version', 'version'],
]);
/** Ant options that take the next word as their value. */
const ANT_WITH_VALUE = new Set([
  '-l',
  '-logfile',
  '-logger',
  '-listener',
  '-lib',
  '-propertyfile',
  '-inputhandler',
  '-nice',
]);

/**
 * Reads the command line.
 *
 * @throws UsageError when an option lacks its value
 */
export function parseArguments(argv: readonly string[]): Arguments {
  const flags = { explain: false, offline: false, help: false, version: false };
  const ant: string[] = [];
  let command: Command | undefined;
  const operands: string[] = [];
  let buildFile: string | undefined;
  let jckit: string | undefined;
  for (let i = 0; i < argv.length; i += 1) {
    const word = argv[i] ?? '';
    const value = (): string => {
      i += 1;
      const next = argv[i];
      if (next === undefined || next === '') throw new UsageError(`${word} needs a value`);
      return next;
    };
    const flag = FLAGS.get(word);
    if (i === 0 && isCommand(word)) command = word;
    else if (flag !== undefined) flags[flag] = true;
    else if (word === '--jckit') jckit = value();
    else if (word.startsWith('--jckit=')) jckit = word.slice('--jckit='.length);
    else if (command !== undefined) operands.push(word);
    else if (BUILD_FILE.has(word)) buildFile = value();
    else if (ANT_WITH_VALUE.has(word)) ant.push(word, value());
    else if (word.startsWith('--')) throw new UsageError(`unknown option ${word}; see ant-javacard --help`);
    else ant.push(word);
  }
  return { command, operands, ant, buildFile, jckit, ...flags };
}

function isCommand(word: string): word is Command {
  return (COMMANDS as readonly string[]).includes(word);
}

export const HELP = `Builds Java Card CAP files.

  ant-javacard [options] [-f build.xml] [targets]   run Ant with the <javacard> task
  ant-javacard init DIR [--link] write a starter project (--link: with links to these packages instead of copies)
  ant-javacard verify FILE.cap|DIR... [--exps DIR]...  check CAP files
  ant-javacard dump FILE.cap     components, disassembly, cross-references
  ant-javacard diff A.cap B.cap  what differs, method by method; "same code" when only places do
  ant-javacard size FILE.cap     bytes per component, class and method
  ant-javacard exp dump FILE.exp an export file in words
  ant-javacard convert [-config FILE.opt] [...]     class files to CAP, with the vendor converter's command line
  ant-javacard kit DIR           a kit folder for the original ant-javacard (its jckit attribute)
  ant-javacard stubs LEVEL FILE  the jar to compile against, for an editor
  ant-javacard corpus DIR...     builds all build files of folders, on a copy, verifies what comes of them, and counts
  ant-javacard simulate FILE.cap [--seed HEX]       load it into a simulated card: APDUs in, responses out, in hex lines
  ant-javacard simulate CLASSES CLASS=AID...        the same with class files

Options:
  --explain     say which task would be used and why, and stop
  --jckit DIR   use the original ant-javacard with this Java Card SDK; needs its jar
  --offline     do not let Maven download
  --help, --version
Environment: ANT_JAVACARD_JAR (the original's jar), JC_HOME (its SDK), JAVA_HOME, OPENTSM_TOOLCHAIN_CACHE.
A target that has a command's name is reached with -f: ant-javacard -f build.xml verify
`;

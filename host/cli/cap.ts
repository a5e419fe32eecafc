// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Command } from 'commander';
import { UsageError } from '../errors.ts';
import { algorithmText } from '../wire/cap/algorithms.ts';
import { packageName, releaseWith } from '../wire/cap/api-packages.ts';
import { loadFileDataBlock, loadFileHash } from '../wire/cap/cap-file.ts';
import { algorithmsOf, importsOf, staticFieldBytes } from '../wire/cap/needs.ts';
import { aidToHex } from '../wire/gp/aid.ts';
import { toHex } from '../wire/hex.ts';
import { addTokenCommand } from './cap-tokens.ts';
import { DESCRIPTOR, descriptorOf, readCap } from './card/cap-choice.ts';
import { addExamples } from './card/examples.ts';
import { print } from './card/print.ts';

interface CapOptions {
  readonly exps?: readonly string[];
  readonly json: boolean;
}

const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  verify: ['verify app.cap --exps library/exp'],
  dump: ['dump app.cap'],
  diff: ['diff old.cap new.cap'],
  size: ['size app.cap'],
  info: ['info app.cap --json'],
  'verify-hash': ['verify-hash app.cap', 'verify-hash app.cap 8F..'],
  'to-ijc': ['to-ijc app.cap app.ijc'],
  token: ['token install app.cap --domain F0000000025350 --token issuer-token.pem'],
};

/** `tsm cap`: the CAP tools of `npx ant-javacard` by the same program, and what a loader sees of a file. */
export function capCommand(): Command {
  const cap = new Command('cap').description('look into Java Card CAP files');
  const add = (usage: string, about: string): void => {
    const command = cap.command(usage).description(about);
    command.option('--exps <folder...>', 'export files of imported packages, besides those of the API');
    command.option('--json', 'print JSON', false);
    command.action(async () => {
      const { exps = [], json } = command.opts<CapOptions>();
      const places = exps.flatMap((folder) => ['--exps', folder]);
      if (json) {
        const { capReport } = await import('./cap-report.ts');
        const { exitCode, report } = capReport(command.name(), [...command.args, ...places]);
        process.exitCode = exitCode;
        return print(report, true);
      }
      const { main } = await import('../../toolchain/src/cli.ts');
      process.exitCode = await main([command.name(), ...command.args, ...places], process.env, process.cwd());
    });
  };
  add('verify <files...>', 'structure and bytecode, against the imported packages; exit code 1 with findings');
  add('dump <file>', 'components, disassembly, cross-references');
  add('diff <a> <b>', 'what differs; exit code 1 when something does');
  add('size <file>', 'bytes per component, class and method');
  addLoaderCommands(cap);
  addTokenCommand(cap);
  for (const command of cap.commands) addExamples(command, 'tsm cap', EXAMPLES[command.name()] ?? []);
  return cap;
}

/** What a host that loads the file knows of it. */
function addLoaderCommands(cap: Command): void {
  cap
    .command('info <file>')
    .description('names, versions, imports, algorithms, sizes and hashes')
    .option('--json', 'print JSON', false)
    .action(async (file: string, { json }: { json: boolean }) => print(await infoOf(file), json));
  cap
    .command('verify-hash <file> [hash]')
    .description('hashes of the load file data block; with a hash, exit code 1 unless it is one of them')
    .option('--json', 'print JSON', false)
    .action(async (file: string, hash: string | undefined, { json }: { json: boolean }) => {
      const hashes = await hashesOf(file);
      if (hash === undefined) return print(hashes, json);
      const found = Object.entries(hashes).find(([, value]) => value === hash.replaceAll(/[\s:]/g, '').toUpperCase());
      print({ hash: found === undefined ? 'of another file' : found[0] }, json);
      if (found === undefined) process.exitCode = 1;
    });
  cap
    .command('to-ijc <file> [target]')
    .description('writes the load file data block alone: the components one after the other')
    .option('--descriptor', DESCRIPTOR)
    .option('--no-descriptor', 'without it')
    .action(async (file: string, target: string | undefined, options: Readonly<Record<string, unknown>>) => {
      const goal = target ?? file.replace(/\.cap$/i, '.ijc');
      if (goal === file) throw new UsageError('target', 'Name the file to write: the source does not end in .cap');
      const block = loadFileDataBlock(await readCap(file), descriptorOf(options));
      await writeFile(goal, block);
      process.stdout.write(`${goal}: ${block.length} bytes\n`);
    });
}

async function infoOf(file: string) {
  const cap = await readCap(file);
  const dataBlock = loadFileDataBlock(cap);
  return {
    file: basename(file),
    package: aidToHex(cap.packageAid),
    version: cap.packageVersion,
    applets: cap.applets.map(aidToHex),
    imports: importsOf(cap).map(({ aid, version }) => {
      const hex = aidToHex(aid);
      const release = releaseWith(hex, version);
      return `${packageName(hex)} ${version}${release === undefined ? '' : ` (Java Card ${release})`}`;
    }),
    algorithms: algorithmsOf(cap).map(algorithmText),
    usesInt: cap.usesInt,
    bytesToLoad: dataBlock.length,
    staticFieldBytes: staticFieldBytes(cap),
    sha256: toHex(loadFileHash(dataBlock)),
    signatures: cap.signatures.map(({ key, hash }) => `${key} over ${hash}`),
  };
}

async function hashesOf(file: string): Promise<Readonly<Record<string, string>>> {
  const cap = await readCap(file);
  const of = (descriptor: boolean, algorithm: 'sha1' | 'sha256') =>
    toHex(loadFileHash(loadFileDataBlock(cap, descriptor), algorithm));
  return {
    'SHA-256': of(false, 'sha256'),
    'SHA-1': of(false, 'sha1'),
    'SHA-256 with Descriptor': of(true, 'sha256'),
    'SHA-1 with Descriptor': of(true, 'sha1'),
  };
}

// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { UsageError } from '../../errors.ts';
import { type CapFile, decodeCapFile, HASH_ALGORITHMS, type HashAlgorithm } from '../../wire/cap/cap-file.ts';
import { type Aid, aidToHex } from '../../wire/gp/aid.ts';
import { PRIVILEGE } from '../../wire/gp/privilege.ts';
import { aidOption, hexBytes } from './options.ts';

/** The algorithm that `--hash` names; undefined where it names none. @throws UsageError for another */
export function hashOf(named: unknown): HashAlgorithm | undefined {
  if (typeof named !== 'string') return undefined;
  const wanted = named.toLowerCase().replace('-', '');
  const algorithm = HASH_ALGORITHMS.find((name) => name === wanted);
  if (algorithm === undefined) throw new UsageError('hash', `${named}: want one of ${HASH_ALGORITHMS.join(', ')}`);
  return algorithm;
}

/** What `--descriptor` says in help. */
export const DESCRIPTOR = 'with the Descriptor component, as by default where the file exports something';

/** What `--descriptor` and `--no-descriptor` say; undefined without them: as the file wants. */
export const descriptorOf = ({ descriptor }: Readonly<Record<string, unknown>>): boolean | undefined =>
  typeof descriptor === 'boolean' ? descriptor : undefined;

/** What a verb is to install, from its file and options. */
export interface Installation {
  readonly cap: CapFile;
  readonly module: Aid;
  readonly instance: Aid;
  readonly privileges: number;
  readonly parameters: Uint8Array;
}

/** @throws UsageError when there is no such file @throws WireError when it is no CAP file */
export async function readCap(file: string | undefined): Promise<CapFile> {
  if (file === undefined) throw new UsageError('cap', 'Which CAP file?');
  return decodeCapFile(await readInput(file));
}

/** Bytes of a file that the user named. @throws UsageError when it cannot be read */
export async function readInput(file: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new UsageError('file', `${file}: cannot be read (${reason})`);
  }
}

/** So many hexadecimal digits in a row, or nothing else: a key, or most of one. */
const LIKE_A_KEY = /^[0-9A-Fa-f\s:]+$|([0-9A-Fa-f]{2}[\s:]?){8}/;

/**
 * Bytes of a file with a key. What is no file may be the key itself, mistyped, and is not shown then.
 *
 * @param forms what to give in its place
 * @throws UsageError when it cannot be read
 */
export async function readKeyFile(file: string, forms: string): Promise<Uint8Array> {
  try {
    return await readInput(file);
  } catch (error) {
    if (error instanceof UsageError && LIKE_A_KEY.test(file))
      throw new UsageError('key-format', `There is no file of that name, and a key is not read so: ${forms}`);
    throw error;
  }
}

export async function installationOf(
  file: string | undefined,
  options: Readonly<Record<string, unknown>>,
): Promise<Installation> {
  const cap = await readCap(file);
  const module = moduleOf(cap, options.module);
  return {
    cap,
    module,
    instance: typeof options.create === 'string' ? aidOption(options.create) : module,
    privileges: privilegesOf(options.privileges),
    parameters: typeof options.params === 'string' ? hexBytes(options.params) : new Uint8Array(),
  };
}

function moduleOf(cap: CapFile, wanted: unknown): Aid {
  const [first, second] = cap.applets;
  const names = cap.applets.map(aidToHex);
  if (typeof wanted === 'string') {
    const module = aidOption(wanted);
    if (names.includes(aidToHex(module))) return module;
    throw new UsageError('module', `The CAP file has no applet ${wanted}; it has ${names.join(', ') || 'none'}`);
  }
  if (first === undefined) throw new UsageError('cap', 'This CAP file is a library: use load');
  if (second !== undefined)
    throw new UsageError('module', `The CAP file has several applets, name one with --module: ${names.join(', ')}`);
  return first;
}

const BY_NAME: ReadonlyMap<string, number> = new Map(
  Object.entries(PRIVILEGE).map(([name, bit]) => [name.toLowerCase().replaceAll('_', '-'), bit]),
);

/** Names with commas, or three bytes in hex. @throws UsageError */
export function privilegesOf(text: unknown): number {
  if (typeof text !== 'string' || text === '') return 0;
  if (/^[0-9A-Fa-f]{6}$/.test(text)) return Number.parseInt(text, 16);
  return text.split(',').reduce((bits, name) => {
    const bit = BY_NAME.get(name.trim().toLowerCase());
    if (bit === undefined)
      throw new UsageError('privilege', `${name}: no privilege; there are ${[...BY_NAME.keys()].join(', ')}`);
    return bits | bit;
  }, 0);
}

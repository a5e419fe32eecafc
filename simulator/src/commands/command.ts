// SPDX-License-Identifier: Apache-2.0
import { access, constants } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type CardImage, cardImagePath, type LocatedImage, readCardImage } from '../card-image.ts';
import { SimulatorError, whyUnreadable } from '../errors.ts';

/** Of a card that is a UICC though no image says which. */
const UICC_ICCID = '8986001234567890123F';

/** One verb of the command line. */
export interface Command {
  /** Behind `jcardsim-runner`, as the usage line has it. */
  readonly usage: string;
  readonly summary: string;
  /** What `--help` says besides. */
  readonly help: string;
  /** @returns exit status */
  readonly run: (args: readonly string[]) => Promise<number>;
}

/** Option values of a command line by name, and the words that are none. */
export interface Words {
  readonly values: Readonly<Record<string, string | undefined>>;
  /** Values of options that may stand several times. */
  readonly lists: Readonly<Record<string, readonly string[]>>;
  /** Options without value that stand there. */
  readonly flags: ReadonlySet<string>;
  readonly words: readonly string[];
}

/** Options that are not one value each. */
interface OtherOptions {
  readonly lists?: readonly string[];
  readonly flags?: readonly string[];
}

/**
 * Takes a command line apart.
 * @param options those with one value
 * @throws {SimulatorError} `usage`
 */
export function parseWords(args: readonly string[], options: readonly string[], others: OtherOptions = {}): Words {
  const { lists = [], flags = [] } = others;
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: Object.fromEntries([
        ...options.map((name) => [name, { type: 'string' as const }]),
        ...lists.map((name) => [name, { type: 'string' as const, multiple: true }]),
        ...flags.map((name) => [name, { type: 'boolean' as const }]),
      ]),
      allowPositionals: true,
    });
    const given = Object.entries(values);
    return {
      values: Object.fromEntries(given.filter(([, value]) => typeof value === 'string')) as Words['values'],
      lists: Object.fromEntries(given.filter(([, value]) => Array.isArray(value))) as Words['lists'],
      flags: new Set(given.filter(([, value]) => value === true).map(([name]) => name)),
      words: positionals,
    };
  } catch (cause) {
    throw usage(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

export function usage(message: string, cause?: unknown): SimulatorError {
  return new SimulatorError('usage', message, { cause });
}

/** The one word a command has. */
export function onlyWord(words: readonly string[], what: string): string {
  const [word, ...rest] = words;
  if (word === undefined || rest.length > 0) {
    throw usage(`needs ${what}`);
  }
  return word;
}

/** A port number. */
export function portNumber(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65535)) {
    throw usage(`${text} is not a port`);
  }
  return port;
}

/** `HOST:PORT`. */
export function hostAndPort(text: string): { host: string; port: number } {
  const colon = text.lastIndexOf(':');
  if (colon < 1) {
    throw usage(`--vpcd ${text}: not HOST:PORT`);
  }
  return { host: text.slice(0, colon), port: portNumber(text.slice(colon + 1)) };
}

export const isCap = (word: string): boolean => /\.(cap|ijc)$/i.test(word);

/** What a card of CAP files has besides them. */
interface CapOptions {
  /** CAP files that others import, linked before them. */
  readonly libraries?: readonly string[] | undefined;
  /** Contents of C9 for each instance, in hex. */
  readonly parameters?: string | undefined;
  /** A UICC, whatever the applets import. */
  readonly toolkit?: boolean | undefined;
  readonly seed?: string | undefined;
}

/** Options of every verb that makes a card, for {@link parseWords}. */
export const CARD_OPTIONS = { values: ['parameters'], others: { lists: ['library'], flags: ['toolkit'] } } as const;

export const CAP_HELP = `Of CAP files alone:
  --library FILE.cap   one that others import, linked before them; may stand several times
  --parameters HEX     what install() gets as C9, of each applet
  --toolkit            the card is a UICC with files and toolkit (TERMINAL PROFILE, ENVELOPE, FETCH, TERMINAL RESPONSE);
                       so it is anyway where a CAP file imports uicc.* or sim.*`;

export function capOptions({ values, lists, flags }: Words): CapOptions {
  const { parameters } = values;
  if (parameters !== undefined && !/^([0-9A-Fa-f]{2})*$/.test(parameters)) {
    throw usage(`--parameters ${parameters}: not hex`);
  }
  return { libraries: lists.library, parameters, toolkit: flags.has('toolkit') };
}

/**
 * A card of an image, or one that has nothing but the applets of CAP files, each by its own AID.
 * @param files one image, or CAP files in the order in which they are linked
 */
export async function imageOrCap(
  files: readonly string[],
  { libraries = [], parameters, toolkit = false, seed }: CapOptions = {},
): Promise<LocatedImage> {
  const seeded = seed === undefined ? {} : { seed };
  const [file, ...more] = files;
  if (file === undefined) throw usage('needs a card image or a CAP file');
  if (files.every(isCap)) {
    const image: CardImage = {
      name: 'cap',
      atr: '3B80800101',
      isd: null,
      loadFiles: [...libraries, ...files].map((cap) => ({ cap })),
      installAll: true,
      ...(parameters === undefined ? {} : { installParameters: parameters }),
      ...(toolkit ? { toolkit, iccid: UICC_ICCID } : { toolkit: 'imports' }),
      ...seeded,
    };
    return { image, folder: process.cwd() };
  }
  if (more.length > 0 || libraries.length > 0 || parameters !== undefined || toolkit) {
    throw usage('a card image has its own CAP files, parameters and toolkit: name it alone');
  }
  const { image, folder } = await readCardImage(file);
  return { image: { ...image, ...seeded }, folder };
}

/**
 * Asks for card images and CAP files without reading them, which may be pipes.
 * @throws {SimulatorError} `image-unreadable`
 */
export async function requireFiles(files: readonly string[]): Promise<void> {
  for (const file of files) {
    const [what, path] = isCap(file) ? ['CAP file', file] : ['card image', cardImagePath(file)];
    try {
      await access(path, constants.R_OK);
    } catch (cause) {
      const message = `cannot read the ${what} ${path}: ${whyUnreadable(cause)}`;
      throw new SimulatorError('image-unreadable', message, { cause });
    }
  }
}

/** Takes the words apart: an image or CAP files at the beginning, and what follows. */
export function splitFiles(words: readonly string[]): { files: readonly string[]; rest: readonly string[] } {
  const [first] = words;
  if (first === undefined) return { files: [], rest: [] };
  const end = isCap(first) ? words.findIndex((word) => !isCap(word)) : 1;
  return end < 0 ? { files: words, rest: [] } : { files: words.slice(0, end), rest: words.slice(end) };
}

export const printLine = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from 'node:util';
import type { CardImage } from '../card-image.ts';
import { readCardImage } from '../card-image.ts';
import { SimulatorError } from '../errors.ts';

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
  readonly words: readonly string[];
}

/**
 * Takes a command line apart; each option has a value.
 * @throws {SimulatorError} `usage`
 */
export function parseWords(args: readonly string[], options: readonly string[]): Words {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: Object.fromEntries(options.map((name) => [name, { type: 'string' as const }])),
      allowPositionals: true,
    });
    const texts = Object.entries(values).map(([name, value]) => [name, typeof value === 'string' ? value : undefined]);
    return { values: Object.fromEntries(texts), words: positionals };
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

/** A card of an image, or one that has nothing but the applets of a CAP file, each by its own AID. */
export async function imageOrCap(file: string, seed?: string): Promise<{ image: CardImage; folder: string }> {
  const seeded = seed === undefined ? {} : { seed };
  if (/\.(cap|ijc)$/i.test(file)) {
    const image: CardImage = {
      name: 'cap',
      atr: '3B80800101',
      isd: null,
      loadFiles: [{ cap: file }],
      installAll: true,
      ...seeded,
    };
    return { image, folder: process.cwd() };
  }
  const { image, folder } = await readCardImage(file);
  return { image: { ...image, ...seeded }, folder };
}

export const printLine = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

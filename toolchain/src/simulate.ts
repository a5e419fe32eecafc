// SPDX-License-Identifier: Apache-2.0
import { readFileSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { capApplets } from './cap-applets.ts';
import { ToolchainError, UsageError } from './errors.ts';

const ATR = '3B80800101';
/** A command APDU in hex: four bytes of header to 65,544 bytes in all. */
const COMMAND = /^[0-9A-Fa-f]{8,131088}$/;
const USAGE = 'simulate takes a CAP file, or a folder of class files and CLASS=AID for each applet; and --seed HEX';

type CardImage = import('jcardsim-runner').CardImage;
type Runner = typeof import('jcardsim-runner');

/**
 * Runs applets on the card of jcardsim-runner: one command APDU in hex per line of input, one response with its status
 * word per line of output. A CAP file is loaded and linked as a card does it, and each of its applets gets an instance
 * under its own AID.
 *
 * @param operands FILE.cap, or FOLDER CLASS=AID...; --seed HEX makes the card's random numbers the same in every run
 * @returns exit code 0
 * @throws ToolchainError when the card cannot be made, an install() fails or a line is not a command APDU
 */
export async function simulate(
  operands: readonly string[],
  cwd: string,
  input: Readable,
  output: Writable,
): Promise<number> {
  const image = imageOf(operands, cwd);
  const runner = await loadRunner();
  try {
    await using simulator = await runner.startSimulator();
    const card = await simulator.insert(image);
    for await (const line of createInterface({ input })) {
      const text = line.trim();
      if (text === '') continue;
      if (!COMMAND.test(text) || text.length % 2 !== 0) {
        throw new ToolchainError(`not a command APDU in hex, of at least 4 bytes: ${text.slice(0, 40)}`);
      }
      const response = await card.transmit(Uint8Array.from(Buffer.from(text, 'hex')));
      output.write(`${Buffer.from(response).toString('hex').toUpperCase()}\n`);
    }
    return 0;
  } catch (error) {
    if (error instanceof runner.SimulatorError)
      throw new ToolchainError(`simulate: ${error.message}`, { cause: error });
    throw error;
  }
}

async function loadRunner(): Promise<Runner> {
  try {
    return await import('jcardsim-runner');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new ToolchainError('simulate needs the package jcardsim-runner beside this one: npm install it', { cause });
  }
}

function imageOf(operands: readonly string[], cwd: string): CardImage {
  const words = [...operands];
  const at = words.indexOf('--seed');
  const seed = at < 0 ? undefined : words.splice(at, 2)[1];
  if (at >= 0 && !/^([0-9A-Fa-f]{2})+$/.test(seed ?? '')) throw new UsageError('--seed takes bytes in hex');
  const [place, ...applets] = words;
  if (place === undefined) throw new UsageError(USAGE);
  const path = resolve(cwd, place);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new UsageError(`there is no ${path}; ${USAGE}`);
  const card = { name: basename(path), atr: ATR, iccid: null, isd: null, ...(seed === undefined ? {} : { seed }) };
  return { ...card, ...(stats.isDirectory() ? ofClasses(path, applets) : ofCap(path, applets)) };
}

function ofCap(path: string, rest: readonly string[]): Pick<CardImage, 'loadFiles' | 'applications'> {
  if (rest.length > 0) throw new UsageError(`a CAP file knows its applets' AIDs; not understood: ${rest.join(' ')}`);
  const aids = capApplets(path, readFileSync(path));
  return { loadFiles: [{ cap: path }], applications: aids.map((aid) => ({ module: aid, aid })) };
}

function ofClasses(path: string, applets: readonly string[]): Pick<CardImage, 'loadFiles' | 'applications'> {
  const modules = applets.map((word) => {
    const [name, aid, ...rest] = word.split('=');
    if (name === undefined || aid === undefined || rest.length > 0 || !/^([0-9A-Fa-f]{2}){5,16}$/.test(aid)) {
      throw new UsageError(`${word} is not CLASS=AID with an AID of 5 to 16 bytes in hex`);
    }
    return { class: name, aid: aid.toUpperCase() };
  });
  const first = modules[0];
  if (first === undefined) throw new UsageError(USAGE);
  // Class files have no package AID; any of the same provider that no applet has will do.
  const taken = new Set(modules.map((one) => one.aid));
  let loadFile = `${first.aid.slice(0, 10)}00`;
  while (taken.has(loadFile)) loadFile += '00';
  return {
    loadFiles: [{ aid: loadFile, path, modules }],
    applications: modules.map(({ aid }) => ({ module: aid, aid })),
  };
}

// SPDX-License-Identifier: Apache-2.0
import { glob, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { CardImage } from '../card-image.ts';
import { SimulatorError } from '../errors.ts';
import { type CapSummary, type Simulator, startSimulator } from '../simulator.ts';
import { type Command, imageOrCap, isCap, parseWords, printLine, usage } from './command.ts';

/** A CAP file that could be read. */
interface Known {
  readonly file: string;
  readonly summary: CapSummary;
}

/** What became of one file. */
interface Outcome {
  readonly links: boolean;
  readonly answering: number;
  readonly faults: readonly string[];
}

async function filesOf(words: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const word of words) {
    const kind = await stat(word).catch(() => undefined);
    if (kind === undefined) throw usage(`there is no ${word}`);
    if (!kind.isDirectory()) found.push(word);
    else for await (const name of glob('**/*', { cwd: word })) if (isCap(name)) found.push(join(word, name));
  }
  return found.toSorted();
}

/** Files that the packages imported are in, those without imports first; the first of a package counts. */
function libraries(of: Known, byAid: ReadonlyMap<string, Known>, seen = new Set<string>()): string[] {
  const found: string[] = [];
  for (const aid of of.summary.imports) {
    const library = byAid.get(aid);
    if (library === undefined || library.summary.aid === of.summary.aid || seen.has(aid)) continue;
    seen.add(aid);
    found.push(...libraries(library, byAid, seen), library.file);
  }
  return found;
}

/** Status words of a SELECT that the applet took. */
const TAKEN = /(9000|61..|91..|92..|9[EF]..)$/;

/** Makes a card of the file with one applet and selects it; what is wrong, or undefined. */
async function tryApplet(simulator: Simulator, image: CardImage, aid: string): Promise<string | undefined> {
  const { installAll: _all, ...bare } = image;
  const applications = [{ module: aid, aid }];
  await using card = await simulator.insert({ ...bare, applications });
  const length = (aid.length / 2).toString(16).padStart(2, '0');
  const answer = Buffer.from(await card.transmit(Buffer.from(`00A40400${length}${aid}00`, 'hex'))).toString('hex');
  return TAKEN.test(answer.toUpperCase()) ? undefined : `${aid} answers SELECT with ${answer.slice(-4).toUpperCase()}`;
}

async function tryFile(simulator: Simulator, known: Known, byAid: ReadonlyMap<string, Known>): Promise<Outcome> {
  const { image } = await imageOrCap([known.file], { libraries: libraries(known, byAid) });
  const faults: string[] = [];
  try {
    const { installAll: _all, ...bare } = image;
    await using _card = await simulator.insert(bare);
  } catch (error) {
    if (!(error instanceof SimulatorError) || error.code === 'stopped') throw error;
    return { links: false, answering: 0, faults: [error.message] };
  }
  let answering = 0;
  for (const aid of known.summary.applets) {
    try {
      const fault = await tryApplet(simulator, image, aid);
      if (fault === undefined) answering += 1;
      else faults.push(fault);
    } catch (error) {
      if (!(error instanceof SimulatorError) || error.code === 'stopped') throw error;
      faults.push(`${aid}: ${error.message}`);
    }
  }
  return { links: true, answering, faults };
}

async function run(args: readonly string[]): Promise<number> {
  const { words } = parseWords(args, []);
  if (words.length === 0) throw usage('needs a folder, or CAP files');
  const files = await filesOf(words);
  await using simulator = await startSimulator();
  const byAid = new Map<string, Known>();
  const all: Known[] = [];
  let good = true;
  const tell = (file: string, fault: string): void => {
    good = false;
    printLine(`${relative('', file)}: ${fault}`);
  };
  for (const file of files) {
    try {
      const known = { file, summary: await simulator.inspect(file) };
      all.push(known);
      if (!byAid.has(known.summary.aid)) byAid.set(known.summary.aid, known);
    } catch (error) {
      if (!(error instanceof SimulatorError) || error.code !== 'load-refused') throw error;
      tell(file, error.message);
    }
  }
  let linked = 0;
  let answering = 0;
  let applets = 0;
  for (const known of all) {
    const outcome = await tryFile(simulator, known, byAid);
    linked += outcome.links ? 1 : 0;
    answering += outcome.answering;
    applets += known.summary.applets.length;
    for (const fault of outcome.faults) tell(known.file, fault);
  }
  printLine(
    `${files.length} files: ${all.length} read, ${linked} link, ${answering} of ${applets} applets answer SELECT`,
  );
  return good && files.length > 0 ? 0 : 1;
}

export const corpus: Command = {
  usage: 'corpus DIR|FILE.cap..',
  summary: 'reads and links many CAP files and selects their applets; counts what goes',
  help: `Folders are searched in depth for .cap and .ijc files. What a file imports and the card has not is looked for
among the others. Each applet has an instance by its own AID, without parameters, on a card of its own; the exit status
is 1 when anything fails, or there is no file.`,
  run,
};

import { readFile } from 'node:fs/promises';
import { loadFileCommands } from '../../card/load.ts';
import { readRegistry } from '../../card/registry.ts';
import { StatusWordError, TsmError, UsageError } from '../../errors.ts';
import { type CapFile, decodeCapFile } from '../../wire/cap/cap-file.ts';
import { type Aid, aidToHex } from '../../wire/gp/aid.ts';
import { deleteObject } from '../../wire/gp/delete.ts';
import { REGISTRY } from '../../wire/gp/get-status.ts';
import { installApplication, installForExtradition, installForMakeSelectable } from '../../wire/gp/install.ts';
import { PRIVILEGE } from '../../wire/gp/privilege.ts';
import { sameBytes } from '../../wire/hex.ts';
import { aidOption, hexBytes } from './options.ts';
import type { CardWork } from './session.ts';
import type { Verb } from './verb.ts';

/** Verbs that change the card's content. */

async function capOf(file: string | undefined): Promise<CapFile> {
  if (file === undefined) throw new UsageError('cap', 'Which CAP file?');
  return decodeCapFile(new Uint8Array(await readFile(file)));
}

const isPresent = async (card: CardWork, subset: number, name: Aid): Promise<boolean> =>
  (await readRegistry((command) => card.session.transmit(command), subset)).some((entry) => sameBytes(entry.aid, name));

async function loadCap(card: CardWork, cap: CapFile, options: Readonly<Record<string, unknown>>): Promise<void> {
  const commands = loadFileCommands(cap, {
    withDescriptor: options.descriptor === true,
    withHash: options.hash === true,
  });
  for (const command of commands) await card.change(command);
}

async function load(card: CardWork, [file]: readonly string[], options: Readonly<Record<string, unknown>>) {
  card.requireSecure();
  const cap = await capOf(file);
  await loadCap(card, cap, options);
  return { loadFile: aidToHex(cap.packageAid), version: cap.packageVersion };
}

/** Load file and one instance: a working application, or the card as it was. */
async function install(card: CardWork, [file]: readonly string[], options: Readonly<Record<string, unknown>>) {
  card.requireSecure();
  const cap = await capOf(file);
  const module = moduleOf(cap, options.module);
  const instance = typeof options.create === 'string' ? aidOption(options.create) : module;
  if (options.replace === true) await removeOld(card, cap.packageAid);
  // An interrupted run has left the load file: what is there is not loaded again.
  const loadedBefore = await isPresent(card, REGISTRY.LOAD_FILES, cap.packageAid);
  if (!loadedBefore) await loadCap(card, cap, options);
  const parameters = typeof options.params === 'string' ? hexBytes(options.params) : new Uint8Array();
  const command = installApplication({
    ...{ loadFile: cap.packageAid, module, instance, applicationParameters: parameters },
    privileges: privilegesOf(options.privileges),
  });
  try {
    if (!(await isPresent(card, REGISTRY.APPLICATIONS, instance))) await card.change(command);
  } catch (error) {
    if (!loadedBefore && error instanceof StatusWordError) await rollBack(card, cap.packageAid, error);
    throw error;
  }
  return { loadFile: aidToHex(cap.packageAid), module: aidToHex(module), instance: aidToHex(instance) };
}

/** install() refused: the load file that this run brought goes again. */
async function rollBack(card: CardWork, loadFile: Aid, cause: TsmError): Promise<void> {
  try {
    await card.session.send(deleteObject(loadFile));
  } catch (error) {
    if (!(error instanceof TsmError)) throw error;
    throw new StatusWordError(
      'install-half-done',
      `${cause.message}; the load file ${aidToHex(loadFile)} stayed on the card: delete it, or run the same command again`,
      cause.context,
      cause,
    );
  }
}

async function removeOld(card: CardWork, loadFile: Aid): Promise<void> {
  if (await isPresent(card, REGISTRY.LOAD_FILES, loadFile))
    await card.change(deleteObject(loadFile, { related: true }));
}

function moduleOf(cap: CapFile, wanted: unknown): Aid {
  const [first, second] = cap.applets;
  if (typeof wanted === 'string') return aidOption(wanted);
  if (first === undefined) throw new UsageError('cap', 'This CAP file is a library: use load');
  if (second !== undefined)
    throw new UsageError(
      'module',
      `The CAP file has several applets, name one with --module: ${cap.applets.map(aidToHex).join(', ')}`,
    );
  return first;
}

const BY_NAME: ReadonlyMap<string, number> = new Map(
  Object.entries(PRIVILEGE).map(([name, bit]) => [name.toLowerCase().replaceAll('_', '-'), bit]),
);

/** Names with commas, or three bytes in hex. */
function privilegesOf(text: unknown): number {
  if (typeof text !== 'string' || text === '') return 0;
  if (/^[0-9A-Fa-f]{6}$/.test(text)) return Number.parseInt(text, 16);
  return text.split(',').reduce((bits, name) => {
    const bit = BY_NAME.get(name.trim().toLowerCase());
    if (bit === undefined)
      throw new UsageError('privilege', `${name}: no privilege; there are ${[...BY_NAME.keys()].join(', ')}`);
    return bits | bit;
  }, 0);
}

async function remove(card: CardWork, [name = '']: readonly string[], options: Readonly<Record<string, unknown>>) {
  card.requireSecure();
  await card.change(deleteObject(aidOption(name), { related: options.related === true }));
  return { deleted: name.toUpperCase() };
}

async function makeSelectable(card: CardWork, [name = '']: readonly string[]) {
  card.requireSecure();
  await card.change(installForMakeSelectable(aidOption(name)));
  return { selectable: name.toUpperCase() };
}

async function extradite(card: CardWork, [name = '']: readonly string[], options: Readonly<Record<string, unknown>>) {
  card.requireSecure();
  if (typeof options.to !== 'string') throw new UsageError('extradite', '--to names the new security domain');
  await card.change(installForExtradition(aidOption(name), aidOption(options.to)));
  return { extradited: name.toUpperCase(), to: options.to.toUpperCase() };
}

export const contentVerbs: readonly Verb[] = [
  {
    usage: 'install <file>',
    about: 'loads a CAP file, makes an instance and makes it selectable',
    options: (command) =>
      command
        .option('--create <aid>', 'AID of the instance; default the module’s')
        .option('--module <aid>', 'which applet of the CAP file')
        .option('--privileges <list>', 'names with commas, or three bytes in hex')
        .option('--params <hex>', 'what install() gets, the value of C9')
        .option('--replace', 'deletes the load file and its instances first', false)
        .option('--hash', 'sends the load file’s hash', false)
        .option('--descriptor', 'loads the Descriptor component too', false),
    run: install,
  },
  {
    usage: 'load <file>',
    about: 'loads a CAP file',
    options: (command) =>
      command.option('--hash', 'sends its hash', false).option('--descriptor', 'loads Descriptor too', false),
    run: load,
  },
  {
    usage: 'delete <aid>',
    about: 'deletes an application or a load file',
    options: (command) => command.option('--related', 'a load file with its instances', false),
    run: remove,
  },
  { usage: 'make-selectable <aid>', about: 'INSTALL [for make selectable]', run: makeSelectable },
  {
    usage: 'extradite <aid>',
    about: 'moves an application to another security domain',
    options: (command) => command.requiredOption('--to <aid>', 'the new security domain'),
    run: extradite,
  },
];

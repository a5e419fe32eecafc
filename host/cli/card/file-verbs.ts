// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { PIN_KEYS, Pin, requirePinAccepted, UiccFiles } from '../../card/uicc-files.ts';
import { PolicyError, StatusWordError, TsmError, UsageError } from '../../errors.ts';
import type { GpCommand } from '../../wire/gp/command.ts';
import { toHex } from '../../wire/hex.ts';
import { ELEMENTARY_FILES, type ElementaryFile, elementaryFile } from '../../wire/uicc/elementary-file.ts';
import { hexByte, hexBytes } from './options.ts';
import type { CardWork } from './session.ts';
import type { Verb } from './verb.ts';

/** Verbs on the file system of a UICC. They go in clear, and no security domain is selected for them. */

type Options = Readonly<Record<string, unknown>>;

async function files(card: CardWork) {
  const uicc = new UiccFiles(card.session);
  const rows: { name: string; path: string; about: string }[] = [];
  for (const file of ELEMENTARY_FILES)
    if (await uicc.has(file).catch(refusedIsAbsent)) {
      const path = [file.root === 'MF' ? '3F00' : 'USIM', ...file.path].join('/');
      rows.push({ name: `EF.${file.name}`, path, about: file.about });
    }
  return rows;
}

/** A card without a file system refuses in its own way. */
function refusedIsAbsent(error: unknown): boolean {
  if (error instanceof TsmError && error.code === 'status-word') return false;
  throw error;
}

async function read(card: CardWork, [name = '']: readonly string[], options: Options) {
  const file = elementaryFile(name, options.records === true);
  if (options.adm !== undefined || options.pin !== undefined) await verifyFirst(card, options);
  const uicc = new UiccFiles(card.session);
  const { structure, parts } = await uicc.content(file).catch((error: unknown) => hintAtPin(error, file));
  if (structure === 'transparent') return shown(file, parts[0] ?? new Uint8Array());
  return parts.map((part, index) =>
    structure === 'linear'
      ? { record: index + 1, ...shown(file, part) }
      : { object: index + 1, file: `EF.${file.name}`, data: toHex(part) },
  );
}

/** Says what opens the file where the card wants more than was shown. */
function hintAtPin(error: unknown, { name }: ElementaryFile): never {
  if (!(error instanceof TsmError) || error.context.sw !== '6982') throw error;
  throw new StatusWordError(
    'file-access',
    `EF.${name} is read by who verified a PIN: give it with --pin, or the administrator’s with --adm`,
    error.context,
  );
}

function shown({ name, decode }: ElementaryFile, content: Uint8Array) {
  const raw = { file: `EF.${name}`, data: toHex(content) };
  if (decode === undefined) return raw;
  try {
    return { ...raw, value: decode(content) ?? 'empty' };
  } catch (error) {
    // What the file holds is shown, whatever it is.
    if (error instanceof TsmError) return { ...raw, value: `malformed: ${error.message}` };
    throw error;
  }
}

async function update(card: CardWork, [name = '', value = '']: readonly string[], options: Options) {
  const file = elementaryFile(name, options.record !== undefined);
  const record = options.record === undefined ? 1 : hexByte(String(options.record));
  if (options.adm !== undefined || options.pin !== undefined) await verifyFirst(card, options);
  const encode = file.encode;
  if (encode === undefined && options.hex !== true)
    throw new UsageError('file-value', `EF.${file.name} is written in hex only: add --hex`);
  const files = new UiccFiles(card.session);
  const inWords = options.hex !== true && encode !== undefined;
  const kept = inWords ? await keptBytes(files, file) : new Uint8Array();
  const content = (length: number) => (inWords ? withStart(encode(value, length), kept) : hexBytes(value));
  const command = await files.update(file, content, record);
  await card.change(command, `EF.${file.name} holds ${toHex(command.data)}`);
  return { updated: `EF.${file.name}`, data: toHex(command.data) };
}

/** The bytes at the start that stay; none where the file is blank there. */
async function keptBytes(files: UiccFiles, file: ElementaryFile): Promise<Uint8Array> {
  if (file.keeps === undefined) return new Uint8Array();
  const [content = new Uint8Array()] = (await files.content(file)).parts;
  const kept = content.subarray(0, file.keeps);
  return kept.every((byte) => byte === 0xff) ? new Uint8Array() : kept;
}

function withStart(content: Uint8Array, start: Uint8Array): Uint8Array {
  content.set(start);
  return content;
}

async function verifyFirst(card: CardWork, options: Options): Promise<void> {
  const [key, secret] = options.adm === undefined ? ['pin1', options.pin] : ['adm1', options.adm];
  await attempt(card, String(key), (pin) => pin.verify(String(secret)));
}

/**
 * One try at a PIN. The card says first how many are left; the last one is not taken without the card's name, and none
 * where the card does not say.
 *
 * @throws PolicyError before the last try @throws StatusWordError for a wrong PIN
 */
async function attempt(card: CardWork, name: string, make: (pin: Pin) => GpCommand, unblocking = false): Promise<void> {
  const key = PIN_KEYS[name];
  if (key === undefined) throw new UsageError('pin-name', `${name}: want one of ${Object.keys(PIN_KEYS).join(', ')}`);
  const pin = new Pin(card.session, key);
  const command = make(pin);
  const { triesLeft, verified, disabled = false } = await pin.state(unblocking);
  if (triesLeft !== undefined) card.say(`${unblocking ? `PUK of ${name}` : name}: ${triesLeft} tries left`);
  if (triesLeft === 0)
    throw new PolicyError(
      'pin-blocked',
      `${name} is blocked${unblocking ? ' for good' : ': pin unblock opens it with the PUK'}`,
    );
  if (disabled && !unblocking) requirePinAccepted(command.label, '6984');
  if (triesLeft === 1) card.requireConfirmed(`The last try of ${name}`);
  if (triesLeft === undefined && !verified && !disabled)
    card.requireConfirmed(`A try of ${name}, which may be the last one, for the card does not tell,`);
  if (card.options.dryRun) return void (await card.change(command, `${name} is tried once`));
  const { sw } = await card.session.transmit(command);
  requirePinAccepted(command.label, sw);
}

/** A secret option, or from the environment so that it need not stand in a shell's history. */
function secret(options: Options, name: string, variable: string): string {
  const value = options[name] ?? process.env[variable];
  if (typeof value !== 'string') throw new UsageError('pin-missing', `--${name} or ${variable} gives it`);
  return value;
}

const pinVerb =
  (word: string, make: (pin: Pin, options: Options) => GpCommand, unblocking = false) =>
  async (card: CardWork, [name = 'pin1']: readonly string[], options: Options) => {
    await attempt(card, name.toLowerCase(), (pin) => make(pin, options), unblocking);
    return { [word]: name.toLowerCase() };
  };

const withPins = (command: Command): Command =>
  command.option('--adm <digits>', 'ADM1, verified first').option('--pin <digits>', 'PIN1, verified first');

const onFiles = (verbs: readonly Verb[]): readonly Verb[] => verbs.map((verb) => ({ ...verb, withoutDomain: true }));

export const fileVerbs = onFiles([
  { usage: 'files', about: 'which files of a UICC this card has', examples: ['files --json'], run: files },
  {
    usage: 'read <file>',
    about: 'reads a file by name or path, and what it means',
    examples: ['read IMSI', 'read USIM/6F07', 'read 3F00/2FE2 --json'],
    options: (command) => withPins(command.option('--records', 'the path is of a file with records', false)),
    run: read,
  },
  {
    usage: 'update <file> <value>',
    about: 'writes a file by name or path',
    examples: ['update SPN "My network" --adm 12345678', 'update EHPLMN 262-01,262-02', 'update ACC 0001 --hex'],
    options: (command) =>
      withPins(command.option('--hex', 'the value is in hex', false).option('--record <hex>', 'which record, from 01')),
    run: update,
  },
]);

/** Each sends a PIN, and a try that was counted before its answer was lost would be counted again. */
const pinVerbsAlone: readonly Verb[] = [
  {
    usage: 'verify [name]',
    about: 'verifies pin1, pin2 or adm1; shows the tries left, and does not take the last one',
    examples: ['pin verify pin1 --pin 1234'],
    options: (command) => command.option('--pin <digits>', 'or TSM_PIN'),
    run: pinVerb('verified', (pin, options) => pin.verify(secret(options, 'pin', 'TSM_PIN'))),
  },
  {
    usage: 'change [name]',
    about: 'changes a PIN',
    examples: ['pin change pin1 --pin 1234 --new 4321'],
    options: (command) => command.option('--pin <digits>', 'or TSM_PIN').option('--new <digits>', 'or TSM_NEW_PIN'),
    run: pinVerb('changed', (pin, options) =>
      pin.change(secret(options, 'pin', 'TSM_PIN'), secret(options, 'new', 'TSM_NEW_PIN')),
    ),
  },
  {
    usage: 'unblock [name]',
    about: 'opens a blocked PIN with its PUK',
    examples: ['pin unblock pin1 --puk 87654321 --new 4321'],
    options: (command) => command.option('--puk <digits>', 'or TSM_PUK').option('--new <digits>', 'or TSM_NEW_PIN'),
    run: pinVerb(
      'unblocked',
      (pin, options) => pin.unblock(secret(options, 'puk', 'TSM_PUK'), secret(options, 'new', 'TSM_NEW_PIN')),
      true,
    ),
  },
];

export const pinVerbs = onFiles(pinVerbsAlone.map((verb) => ({ ...verb, notRepeatable: true })));

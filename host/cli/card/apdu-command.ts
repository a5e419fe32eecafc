// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { PolicyError, StatusWordError, UsageError } from '../../errors.ts';
import { exchange } from '../../transport/get-response.ts';
import { decodeCommand } from '../../wire/apdu.ts';
import { gpCommand, INS } from '../../wire/gp/command.ts';
import { toHex } from '../../wire/hex.ts';
import { statusWordMeaning, statusWordToHex } from '../../wire/status-word.ts';
import { serviceScriptCommands } from '../service-script.ts';
import { readInput } from './cap-choice.ts';
import { IrreversibleGuard } from './irreversible.ts';
import { hexBytes } from './options.ts';
import type { CardWork } from './session.ts';
import { commandName, shownData } from './trace.ts';
import type { Verb } from './verb.ts';
import { verbCommand } from './verb-command.ts';

/** `tsm apdu` and `tsm script`: commands as the user writes them. */

interface Step {
  readonly text: string;
  readonly apdu: Uint8Array;
  /** Hex digits of the status word, X for any. */
  readonly expect?: string;
  readonly line: number;
}

interface Answer {
  readonly command: string;
  readonly name: string;
  readonly data: string;
  readonly sw: string;
  readonly meaning: string;
}

/** Authenticating by hand would go round the fuse: the counter would not know. */
const COUNTED: ReadonlySet<number> = new Set([INS.EXTERNAL_AUTHENTICATE]);

type Options = Readonly<Record<string, unknown>>;

async function send(
  card: CardWork,
  { apdu, text }: Step,
  options: Options,
  guard: IrreversibleGuard,
): Promise<Answer | undefined> {
  const { cla, ins, p1, p2, data, le } = decodeCommand(apdu);
  if (COUNTED.has(ins) && (cla & 0x80) !== 0 && options.unguarded !== true)
    throw new PolicyError(
      'fuse',
      'The fuse does not count EXTERNAL AUTHENTICATE by hand, which may block the card: --unguarded allows it',
    );
  await guard.require(apdu);
  const name = commandName(ins);
  const command = gpCommand({ label: name, cla, ins, p1, p2, data, le: le !== undefined, ...leOf(le) });
  if (card.options.dryRun) {
    await card.change(command, '');
    return undefined;
  }
  const shown = card.options.showSecrets ? text : `${text.slice(0, 8)} ${shownData(ins, toHex(data))}`.trim();
  const answer = card.session.isSecure ? await card.session.transmit(command) : await plain(card, apdu);
  return { command: shown, name, ...answer, meaning: statusWordMeaning(Number.parseInt(answer.sw, 16)) };
}

const leOf = (le: number | undefined) => (le === undefined || le === 256 ? {} : { leBytes: le });

/** In clear the very bytes go, whatever they are. */
async function plain(card: CardWork, apdu: Uint8Array): Promise<{ data: string; sw: string }> {
  const { data, sw } = await exchange(card.channel, apdu);
  return { data: toHex(data), sw: statusWordToHex(sw) };
}

async function apdus(card: CardWork, commands: readonly string[], options: Options) {
  const answers: Answer[] = [];
  const guard = new IrreversibleGuard(card);
  for (const [index, text] of commands.entries()) {
    const answer = await send(card, { text, apdu: hexBytes(text), line: index + 1 }, options, guard);
    if (answer !== undefined) answers.push(answer);
  }
  return answers;
}

/** `HEX [= SW]`, one a line; `#` begins a comment, `reset` powers the card anew. @throws UsageError */
export function parseScript(text: string): readonly (Step | 'reset')[] {
  return text.split('\n').flatMap((raw, index): (Step | 'reset')[] => {
    const line = raw.replace(/(#|\/\/).*/, '').trim();
    if (line === '') return [];
    if (line === 'reset') return ['reset'];
    const [, hex = '', expect] = /^([0-9A-Fa-f\s:]+)(?:=\s*([0-9A-Fa-fXx]{4}))?$/.exec(line) ?? [];
    if (hex === '') throw new UsageError('script', `Line ${index + 1}: want HEX, HEX = 9000, or reset`);
    const digits = hex.replaceAll(/[\s:]/g, '');
    const step = { text: digits.toUpperCase(), apdu: hexBytes(digits), line: index + 1 };
    return [expect === undefined ? step : { ...step, expect: expect.toUpperCase() }];
  });
}

async function script(card: CardWork, [file = '']: readonly string[], options: Options) {
  const steps = parseScript(new TextDecoder().decode(await readInput(file)));
  const answers: Answer[] = [];
  const guard = new IrreversibleGuard(card);
  for (const step of steps) {
    if (step === 'reset') {
      if (card.session.isSecure) throw new UsageError('script', 'A reset ends the secure channel: leave it out');
      await card.channel.reset();
      continue;
    }
    const answer = await send(card, step, options, guard);
    if (answer === undefined) continue;
    answers.push(answer);
    const wanted = new RegExp(`^${(step.expect ?? 'XXXX').replaceAll('X', '.')}$`);
    if (!wanted.test(answer.sw))
      throw new StatusWordError(
        'script',
        `Line ${step.line}: ${answer.name} answered ${answer.sw}, want ${step.expect}`,
        {
          sw: answer.sw,
        },
      );
  }
  return answers;
}

const raw = (command: Command): Command =>
  command
    .option('--secure', 'opens the secure channel first and sends in it', false)
    .option('--unguarded', 'allows EXTERNAL AUTHENTICATE by hand, which the fuse does not count', false);

const APDU: Verb = {
  usage: 'apdu <hex...>',
  notRepeatable: true,
  about: 'sends commands as they are',
  clearUnlessSecure: true,
  examples: ['apdu 00A4040000 80CA006600', 'apdu 80F28002024F0000 --secure --key test'],
  options: raw,
  run: apdus,
};

const SCRIPT: Verb = {
  usage: 'script <file>',
  notRepeatable: true,
  about: 'sends a file of commands, one a line: HEX, HEX = SW that must come, reset, # comment',
  clearUnlessSecure: true,
  examples: ['script personalize.txt --secure --key test --dry-run'],
  options: raw,
  run: script,
};

export function apduCommands(): Command[] {
  const own = verbCommand(SCRIPT, 'tsm');
  for (const command of serviceScriptCommands()) own.addCommand(command);
  return [verbCommand(APDU, 'tsm'), own];
}

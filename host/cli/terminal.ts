// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { UsageError } from '../errors.ts';
import type { AskedCommand } from '../wire/message/asked-command.ts';

interface WatchOptions {
  readonly after: string;
  readonly count?: string;
  readonly json?: true;
}

/** `tsm terminal watch`, under the command that runs the daemon and has `--config`. */
export function addTerminalCommands(terminal: Command): void {
  terminal
    .command('watch')
    .description('what cards show and ask of their handset, as it comes; --config is an operator’s')
    .option('--after <number>', 'those after this one; 0 for all that the terminal still has', '0')
    .option('--count <number>', 'end after so many')
    .option('--json', 'a line of JSON for each')
    .action(async ({ after, count, json }: WatchOptions, command: Command) => {
      const first = numberOf('--after', after);
      let last = first;
      let left = count === undefined ? Number.POSITIVE_INFINITY : numberOf('--count', count);
      if (left === 0) return;
      const { watchCommands } = await import('./terminal-client.ts');
      for await (const asked of watchCommands(String(command.optsWithGlobals().config), first)) {
        // One that begins anew counts from 1.
        const missed = asked.number - 1 - (asked.number > last ? last : 0);
        if (missed > 0) process.stderr.write(`tsm: the terminal keeps ${missed} before ${asked.number} no more\n`);
        last = asked.number;
        say(json === true ? printable(asked) : line(asked));
        left -= 1;
        if (left === 0) return;
      }
    });
}

function numberOf(option: string, text: string): number {
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  throw new UsageError('option', `${option} ${text}: want a whole number`, { option });
}

function line({ number, at, readerName, command, qualifier, result, text }: AskedCommand): string {
  const [asked, told] = [qualifier, result].map((byte) => byte.toString(16).toUpperCase().padStart(2, '0'));
  const shown = text === undefined ? '' : `  ${printable(text)}`;
  return `${number}  ${at}  ${readerName}  ${command} ${asked} -> ${told}${shown}`;
}

/** JSON without what a terminal would obey or hide: a card's text is anybody's. */
const printable = (value: unknown): string =>
  JSON.stringify(value).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (found) =>
    Array.from({ length: found.length }, (_, at) => escaped(found.charCodeAt(at))).join(''),
  );

const escaped = (unit: number): string => `\\u${unit.toString(16).padStart(4, '0')}`;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

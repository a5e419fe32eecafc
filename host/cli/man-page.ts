// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { type CommandNode, commandTree } from './command-tree.ts';
import { EXIT_CODES } from './exit-code.ts';

/** The man page, made from the commands themselves: docs/tsm.1 holds it, and a test compares. */

const ENVIRONMENT: readonly (readonly [name: string, meaning: string])[] = [
  ['TSM_READER, GP_READER', 'part of a reader’s name, or tcp:HOST:PORT'],
  ['TSM_KEY, GP_KEY', 'the domain’s keys, as --key takes them'],
  ['TSM_KDF', 'how the card’s keys come from the master key, as --kdf takes it'],
  ['TSM_KEY_VERSION, TSM_SCP, TSM_LEVEL', 'key version, protocol and security level of the secure channel'],
  ['TSM_DOMAIN, GP_AID', 'the security domain to select'],
  ['TSM_TRACE, GP_TRACE', 'any value: all APDUs on standard error'],
  ['TSM_NEW_KEY', 'for tsm card put-key --kind: the key'],
  ['TSM_PIN, TSM_NEW_PIN, TSM_PUK', 'for tsm card pin'],
  ['TSM_FUSE_DIR', 'folder of the counters of failed authentications; default /var/lib/opentsm/fuse'],
];

const escaped = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1');

function commandSection({ path, places, about, options }: CommandNode): string {
  const head = `.SS ${escaped(['tsm', ...path, places].filter(Boolean).join(' '))}\n${escaped(about)}`;
  const list = options.map(({ flags, about: text }) => `.TP\n.B ${escaped(flags)}\n${escaped(text)}`);
  return [head, ...list].join('\n');
}

/** Options of every verb of `tsm card` are told once. */
function common(nodes: readonly CommandNode[]): ReadonlySet<string> {
  const info = nodes.find(({ path }) => path.join(' ') === 'card info');
  return new Set(info?.options.map(({ flags }) => flags));
}

export function manPage(program: Command): string {
  const nodes = commandTree(program).filter(({ path }) => path.length > 0);
  const shared = common(nodes);
  const cardOptions = nodes.find(({ path }) => path.join(' ') === 'card info')?.options ?? [];
  const own = nodes
    .filter(({ children, places, options }) => children.length === 0 || places !== '' || options.length > 0)
    .map((node) => ({ ...node, options: node.options.filter(({ flags }) => !shared.has(flags)) }));
  return [
    '.TH TSM 1 "" "opentsm" "User Commands"',
    '.SH NAME\ntsm \\- open GlobalPlatform Trusted Service Manager, and card management with a reader on the table',
    '.SH SYNOPSIS\n.B tsm\n.I command\n[options]',
    '.SH COMMANDS',
    ...own.map(commandSection),
    '.SH OPTIONS OF TSM CARD\nEvery verb of tsm card, tsm apdu and tsm script takes these.',
    ...cardOptions.map(({ flags, about }) => `.TP\n.B ${escaped(flags)}\n${escaped(about)}`),
    '.SH EXIT STATUS',
    ...EXIT_CODES.map(([code, meaning]) => `.TP\n.B ${code}\n${escaped(meaning)}`),
    '.SH ENVIRONMENT',
    ...ENVIRONMENT.map(([name, meaning]) => `.TP\n.B ${escaped(name)}\n${escaped(meaning)}`),
    '',
  ].join('\n');
}

export function addManPage(program: Command): void {
  program
    .command('man')
    .description('prints the man page: tsm man > tsm.1; man ./tsm.1')
    .action(() => void process.stdout.write(manPage(program)));
}

// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { UsageError } from '../../errors.ts';
import type { KeyApproval, ManagedKey } from '../../wire/message/managed-keys.ts';
import type { KeyClient } from './key-client.ts';

type Options = Readonly<Record<string, string | boolean | undefined>>;
type Answer = ManagedKey | KeyApproval | { readonly key: ManagedKey; readonly keyBlock?: string };
type Run = (keys: KeyClient, words: readonly string[], options: Options) => Promise<Answer | readonly Answer[]>;

interface Verb {
  readonly words: string;
  readonly about: string;
  readonly options?: readonly (readonly [flags: string, about: string, fallback?: string])[];
  /** Without these it does nothing. */
  readonly required?: readonly (readonly [flags: string, about: string])[];
  readonly run: Run;
}

const OWNER = ['--owner <text>', 'for whom the key is used: every use names it again'] as const;
const TRANSPORT = ['--transport-key <label>', 'key of usage K1 that protects the block'] as const;
const text = (value: string | boolean | undefined): string => String(value ?? '');

function versionOf(word = ''): number {
  if (/^[1-9][0-9]?$/.test(word)) return Number(word);
  throw new UsageError('key-version', `${word}: want the number of a version, 1 to 99; tsm kms keys show tells them`);
}

const VERBS: readonly Verb[] = [
  { words: 'list', about: 'every key and the state of its versions', run: (keys) => keys.list() },
  {
    words: 'show <label>',
    about: 'one key with its attributes and check values',
    run: (keys, [label = '']) => keys.show(label),
  },
  {
    words: 'generate <label>',
    about: 'make a key; it is used after activate',
    required: [OWNER, ['--usage <usage>', 'D0 data, M1 or M3 MAC, M6 CMAC, K1 protection of key blocks, B0, E0, P0']],
    options: [
      ['--mode <mode>', 'TR-31 mode of use: B, C, D, E, G, V, N or X', 'B'],
      ['--algorithm <name>', 'aes or des', 'aes'],
      ['--bits <number>', '128, 192 or 256', '128'],
      ['--exportable', 'may leave in a key block, with two persons'],
    ],
    run: (keys, [label], { owner, usage, mode, algorithm, bits, exportable }) =>
      keys.generate({
        label,
        owner,
        algorithm,
        lengthBits: Number(bits),
        keyUsage: usage,
        modeOfUse: mode,
        exportability: exportable === true ? 'E' : 'N',
      }),
  },
  {
    words: 'import <label> <file>',
    about: 'take a key from a TR-31 block',
    required: [OWNER, TRANSPORT],
    run: (keys, [label = '', file = ''], { owner, transportKey }) =>
      keys.import({ label, owner: text(owner), transportKey: text(transportKey) }, file),
  },
  {
    words: 'activate <label>',
    about: 'put the newest version to use; the one before retires',
    run: (keys, [label = '']) => keys.move(label, 'activate'),
  },
  {
    words: 'rotate <label>',
    about: 'make a new version and use it; the old one still decrypts and verifies',
    run: (keys, [label = '']) => keys.move(label, 'rotate'),
  },
  {
    words: 'suspend <label>',
    about: 'no use at all until it is activated again',
    run: (keys, [label = '']) => keys.move(label, 'suspend'),
  },
  {
    words: 'destroy <label> <version>',
    about: 'ask to destroy a version; another person approves within the hour',
    run: (keys, [label = '', version]) => keys.ask({ act: 'destroy', label, version: versionOf(version) }),
  },
  {
    words: 'export <label> <version>',
    about: 'ask for a version in a key block; another person approves within the hour, and gets it',
    required: [TRANSPORT],
    run: (keys, [label = '', version], { transportKey }) =>
      keys.ask({ act: 'export', label, version: versionOf(version), transportKey: text(transportKey) }),
  },
  { words: 'approvals', about: 'what waits for a second person', run: (keys) => keys.waiting() },
  {
    words: 'approve <id>',
    about: 'do what another person asked for: destroy, or print the key block',
    run: (keys, [id = '']) => keys.approve(id),
  },
];

/** `tsm kms keys`: `--config` is an operator's of the KMS. */
export function addKeyCommands(kms: Command): void {
  const keys = kms
    .command('keys')
    .description('symmetric keys with a life cycle; --config is an operator’s, whose platform is the KMS');
  for (const { words, about, options = [], required = [], run } of VERBS) {
    const command = keys.command(words).description(about);
    for (const [flags, meaning] of required) command.requiredOption(flags, meaning);
    for (const [flags, meaning, fallback] of options) command.option(flags, meaning, fallback);
    command.option('--json', 'the answer as the KMS gives it');
    command.action(async () => {
      // Loaded only here: a card command does without.
      const { KeyClient } = await import('./key-client.ts');
      const client = new KeyClient(String(command.optsWithGlobals().config));
      const answer = await run(client, command.args, command.opts<Record<string, string | boolean | undefined>>());
      say(command.opts().json === true ? [JSON.stringify(answer)] : [answer].flat().flatMap(linesOf));
    });
  }
}

function linesOf(answer: Answer): string[] {
  if ('approvalId' in answer) {
    const { approvalId, act, label, version, requestedBy, expiresAt } = answer;
    return [`${approvalId}  ${act} ${label} ${version}  asked by ${requestedBy}, until ${expiresAt}`];
  }
  if ('key' in answer) return [...linesOf(answer.key), ...(answer.keyBlock === undefined ? [] : [answer.keyBlock])];
  const { label, owner, algorithm, lengthBits, keyUsage, modeOfUse, exportability, versions } = answer;
  const attributes = `${algorithm}-${lengthBits} ${keyUsage} ${modeOfUse} ${exportability}`;
  return [
    `${label}  ${owner}  ${attributes}`,
    ...versions.map(
      ({ version, state, checkValue, createdAt }) =>
        `  ${String(version).padStart(2)}  ${state.padEnd(10)}  ${checkValue}  ${createdAt}`,
    ),
  ];
}

function say(lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}

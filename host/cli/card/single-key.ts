// SPDX-License-Identifier: Apache-2.0
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { contentKeyCommand } from '../../card/content-key-command.ts';
import { type KeyKind, keySetCommand } from '../../card/key-set.ts';
import { Secret } from '../../crypto/secret.ts';
import { UsageError } from '../../errors.ts';
import type { GpCommand } from '../../wire/gp/command.ts';
import type { KeyReference } from '../../wire/gp/key-reference.ts';
import { fromHex } from '../../wire/hex.ts';
import { readKeyFile } from './cap-choice.ts';
import { contentKeyIn } from './content-authorization.ts';
import type { CardWork } from './session.ts';

/** One key of any kind for `put-key --kind`. Its bytes come from a file, the environment, a pipe or the keyboard. */

/** Lengths in bytes that a secret of each kind may have. @see GPCS 11.8.2.3 */
const SECRETS: Readonly<Record<KeyKind, readonly number[] | 'any'>> = {
  des: [16, 24],
  aes: [16, 24, 32],
  psk: 'any',
  'hmac-sha1': 'any',
  'hmac-sha256': 'any',
};
const PUBLIC: readonly string[] = ['rsa', 'ec'];
export const KEY_KINDS: readonly string[] = [...Object.keys(SECRETS), ...PUBLIC];
/** Longest secret that our card takes; others take less. */
const LONGEST = 128;

const secretKind = (kind: string): KeyKind | undefined =>
  Object.keys(SECRETS).find((known): known is KeyKind => known === kind);

/** Digits typed at a terminal are not shown. */
async function typed(kind: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  process.stderr.write(`${kind} key in hex: `);
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await new Promise((resolve, reject) => {
      lines.once('line', resolve);
      lines.once('close', () => reject(new UsageError('key-missing', 'No key was given')));
    });
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}

/** The text of a key: `--key-file`, TSM_NEW_KEY, a pipe, or what somebody types. */
async function keyText(kind: string, file: unknown): Promise<string> {
  if (typeof file === 'string' && file !== '-')
    return new TextDecoder().decode(await readKeyFile(file, '--key-file names a file'));
  const given = process.env.TSM_NEW_KEY;
  if (given !== undefined && file === undefined) return given;
  return process.stdin.isTTY ? typed(kind) : text(process.stdin);
}

/** @throws UsageError that never repeats what was given */
function secretOf(kind: KeyKind, given: string): Secret {
  const digits = given.replaceAll(/\s/g, '');
  if (!/^([0-9A-Fa-f]{2})+$/.test(digits)) throw new UsageError('key-format', `A ${kind} key is hexadecimal digits`);
  const bytes = fromHex(digits, LONGEST);
  const lengths = SECRETS[kind];
  if (lengths !== 'any' && !lengths.includes(bytes.length))
    throw new UsageError('key-length', `A ${kind} key has ${lengths.join(', ')} bytes`, { got: bytes.length });
  return new Secret(bytes);
}

/**
 * The PUT KEY of one key, and the check of its answer.
 *
 * @throws UsageError, KeyError that never repeat what was given
 */
export async function singleKeyCommand(
  card: CardWork,
  wanted: {
    readonly kind: string;
    readonly reference: KeyReference;
    readonly replaces: number;
    readonly file: unknown;
    /** True where the card takes a pre-shared key without its check value alone. */
    readonly unchecked: boolean;
  },
): Promise<{ readonly command: GpCommand; readonly check: (answer: Uint8Array) => void }> {
  const { kind, reference, replaces, file, unchecked } = wanted;
  if (!KEY_KINDS.includes(kind)) throw new UsageError('key-kind', `--kind is one of ${KEY_KINDS.join(', ')}`);
  if (unchecked && kind !== 'psk')
    throw new UsageError('key-kind', '--no-check-value is for --kind psk: others always or never have one');
  const given = await keyText(kind, file);
  const secret = secretKind(kind);
  if (secret !== undefined)
    return keySetCommand(card.session, {
      reference,
      kind: secret,
      replaces,
      unchecked,
      keys: [secretOf(secret, given)],
    });
  const key = contentKeyIn(given);
  if (key.kind !== (kind === 'ec' ? 'ecdsa' : kind))
    throw new UsageError('key-kind', `The file holds no ${kind} key: ${key.kind}`);
  return { command: { ...contentKeyCommand(card.session, reference, key), p1: replaces }, check: () => undefined };
}

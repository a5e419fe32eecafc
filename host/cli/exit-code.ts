// SPDX-License-Identifier: Apache-2.0
import {
  KeyError,
  PolicyError,
  SecureChannelError,
  StatusWordError,
  TransportError,
  TsmError,
  UsageError,
  WireError,
} from '../errors.ts';

/** Exit codes of `tsm`, for scripts. docs/cli.md lists them from here. */
export const EXIT_CODES: readonly (readonly [code: number, meaning: string])[] = [
  [0, 'done'],
  [1, 'failed for another reason, or findings (`cap verify`, `cap diff`, `card fits`, `audit verify`, `doctor`)'],
  [2, 'wrong use: options, arguments, files that are malformed, keys of another kind'],
  [3, 'no reader, no card, or the link broke: trying again may help'],
  [4, 'the card said no: the status word stands in the message'],
  [5, 'the keys are not the card’s, or the secure channel failed'],
  [6, 'not done for safety: a confirmation is missing, or the fuse stopped it or cannot count'],
  [130, 'interrupted (Ctrl-C) in the middle of a `card` verb, `apdu` or `script`'],
];

const CODES: readonly (readonly [kind: new (...args: never[]) => TsmError, code: number])[] = [
  [UsageError, 2],
  [WireError, 2],
  [TransportError, 3],
  [StatusWordError, 4],
  [SecureChannelError, 5],
  [PolicyError, 6],
];

/** Keys that the user gave, and that do not do here; other KeyErrors are a KMS's or its token's. */
const GIVEN_KEY: readonly string[] = [
  ...['content-key', 'content-key-public', 'content-key-curve', 'content-signature'],
  ...['key-type', 'master-key-length', 'rsa-private-key', 'rsa-public-key'],
];

/** `no-card` is the one NotFoundError that means the link. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof TsmError)) return 1;
  if (error.code === 'no-card') return 3;
  if (error instanceof KeyError) return GIVEN_KEY.includes(error.code) ? 2 : 1;
  return CODES.find(([kind]) => error instanceof kind)?.[1] ?? 1;
}

// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../hex.ts';
import { ALGORITHM_NAMES, type AlgorithmKind } from './algorithm-names.ts';

/** What code asks of javacard.security and javacardx.crypto, by the constants of its calls. */
export interface AlgorithmUse {
  readonly what: AlgorithmKind;
  /** That of the constant, without its prefix; for a number that no API has, the number. */
  readonly name: string;
  /** Size of keys and pairs. */
  readonly bits?: number;
  /** The API's version since which it has the constant. */
  readonly since?: string;
}

/** For people: `Cipher DES_CBC_NOPAD`, `KeyPair RSA, 2048 bits`. */
export const algorithmText = ({ what, name, bits }: AlgorithmUse): string =>
  `${what} ${name}${bits === undefined ? '' : `, ${bits} bits`}`;

/** `package AID . class token . method token` of factory methods and constructors. @see Java Card API, export files */
export const FACTORIES: ReadonlyMap<string, AlgorithmKind> = new Map([
  ['A0000000620102.11.0', 'MessageDigest'],
  ['A0000000620102.13.0', 'Key'],
  ['A0000000620102.14.0', 'RandomData'],
  ['A0000000620102.15.0', 'Signature'],
  ['A0000000620102.16.0', 'KeyPair'],
  ['A0000000620102.21.0', 'Checksum'],
  ['A0000000620102.22.0', 'KeyAgreement'],
  ['A0000000620201.1.0', 'Cipher'],
]);

/** What each takes: the algorithm first, in its place the size of a key, and the external access flag last. */
const ARGUMENTS: Readonly<Record<AlgorithmKind, number>> = {
  RandomData: 1,
  KeyPair: 2,
  Key: 3,
  MessageDigest: 2,
  Signature: 2,
  Checksum: 2,
  KeyAgreement: 2,
  Cipher: 2,
};

const NOTHING = -1;

/** What a call names by its constants; undefined when they are computed. */
export function algorithmOf(what: AlgorithmKind, pushed: (count: number) => number[]): AlgorithmUse | undefined {
  const values = pushed(ARGUMENTS[what]);
  const [kind, bits] = values;
  if (kind === undefined || values.length < ARGUMENTS[what]) return undefined;
  const number = (kind << 24) >> 24;
  // The other branch of a choice, where there is nothing to ask for.
  if (number === NOTHING) return undefined;
  const known = ALGORITHM_NAMES[what].get(number);
  return {
    what,
    name: known?.name ?? `number ${toHex(Uint8Array.of(number & 0xff))}`,
    ...(known === undefined ? {} : { since: known.since }),
    ...((what === 'Key' || what === 'KeyPair') && bits !== undefined ? { bits } : {}),
  };
}

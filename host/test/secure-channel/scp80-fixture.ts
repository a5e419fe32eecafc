// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { Secret } from '../../crypto/secret.ts';
import { ALGORITHMS, type PacketKeys } from '../../secure-channel/scp80/algorithms.ts';
import type { Command } from '../../secure-channel/scp80/command-packet.ts';
import { fromHex } from '../../wire/hex.ts';
import { decodeSecurityParameters } from '../../wire/uicc/security-parameters-indicator.ts';

export interface PacketVector {
  readonly name: string;
  readonly algorithm: string;
  readonly kicKey: string;
  readonly kidKey: string;
  readonly spi: string;
  readonly kic: string;
  readonly kid: string;
  readonly tar: string;
  readonly counter: number;
  readonly data: string;
  readonly command?: string;
  readonly response?: string;
  readonly status?: number;
  readonly responseData?: string;
  /** The card filled its response with other values than zeros: it is opened, and cannot be made alike. */
  readonly foreignPadding?: boolean;
}

export const packetVectors: readonly PacketVector[] = JSON.parse(
  readFileSync(new URL('../vectors/uicc/secured-packets.json', import.meta.url), 'utf8'),
);

export function vectorKeys(vector: PacketVector): PacketKeys {
  const algorithm = ALGORITHMS.find((name) => name === vector.algorithm) ?? 'aes';
  const key = (text: string) => ({ algorithm, key: new Secret(fromHex(text)) });
  return { keySet: (fromHex(vector.kic)[0] ?? 0) >> 4, kic: key(vector.kicKey), kid: key(vector.kidKey) };
}

export const vectorCommand = (vector: PacketVector): Command => ({
  spi: decodeSecurityParameters(fromHex(vector.spi)),
  kic: fromHex(vector.kic)[0] ?? 0,
  kid: fromHex(vector.kid)[0] ?? 0,
  tar: fromHex(vector.tar),
  counter: vector.counter,
  data: fromHex(vector.data),
});

/** The vector of this beginning of a name, such as `V1`. */
export function vectorNamed(start: string): PacketVector {
  const found = packetVectors.find(({ name }) => name.startsWith(`${start} `));
  if (found === undefined) throw new RangeError(`No vector ${start}`);
  return found;
}

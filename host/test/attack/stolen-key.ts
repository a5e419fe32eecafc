// SPDX-License-Identifier: Apache-2.0
import type { KeyPairImage } from '../../../simulator/src/index.ts';
import { nonZeroRandom, systemRandom } from '../../crypto/random.ts';
import { privateKeyFromPrimes, rsaEncryptPkcs1, rsaSigner } from '../../crypto/rsa.ts';
import type { PublicKey } from '../../wire/gp/public-key.ts';
import { fromHex } from '../../wire/hex.ts';

/** PKCS#1 type 2 has three bytes beside padding and message. */
const OVERHEAD = 3;

/** One card's private key in a thief's hand. */
export class StolenKey {
  readonly #signer: ReturnType<typeof rsaSigner>;

  constructor({ exponent, p, q }: KeyPairImage) {
    this.#signer = rsaSigner(privateKeyFromPrimes({ exponent: fromHex(exponent), p: fromHex(p), q: fromHex(q) }));
  }

  get publicKey(): PublicKey {
    return this.#signer.publicKey;
  }

  /** T of a PSO DECIPHER that was for the card whose key this is. */
  async opened(cryptogram: Uint8Array): Promise<Uint8Array> {
    const block = await this.#signer.rawPrivate(cryptogram);
    return block.slice(block.indexOf(0, 2) + 1);
  }

  /** The same T for another domain. */
  async resealed(cryptogram: Uint8Array, other: PublicKey): Promise<Uint8Array> {
    const t = await this.opened(cryptogram);
    const room = other.modulus.length - OVERHEAD - t.length;
    return rsaEncryptPkcs1(other, t, nonZeroRandom(systemRandom, room, 'padding'));
  }
}

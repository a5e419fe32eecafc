// SPDX-License-Identifier: Apache-2.0
import type { KeyObject } from 'node:crypto';
import { publicKeyOf, type RsaSigner } from '../crypto/rsa.ts';
import { WireError } from '../errors.ts';

/** What is made: RSA with exponent 65537, or the curve P-256. */
export type PrivateKeyKind = { readonly rsaBits: number } | 'p-256';

/** RSASSA-PKCS1-v1_5, PSS with 32 bytes of salt, `block^d mod n`, and ECDSA as `r ‖ s`. */
export type SignatureScheme = 'rsa-sha1' | 'rsa-sha256' | 'rsa-pss-sha256' | 'rsa-raw' | 'ecdsa-sha256';

/** A private key at work, wherever it is. */
export interface PrivateKey {
  readonly publicKey: KeyObject;
  sign(scheme: SignatureScheme, data: Uint8Array): Promise<Uint8Array>;
}

/**
 * Where private keys are: in this process, or in a token that does not give them. What names one is kept sealed in the
 * key's file: the key itself as PKCS#8, or its identifier in the token.
 */
export interface PrivateKeyHome {
  generate(kind: PrivateKeyKind): Promise<{ readonly name: Uint8Array; readonly publicKey: KeyObject }>;
  /** @throws KeyError `key-unreadable` when there is no such key */
  open(name: Uint8Array): Promise<PrivateKey>;
  /** Takes away a key that nobody will use. */
  discard(name: Uint8Array): Promise<void>;
}

/** What SCP10 and the CA ask for. @throws KeyError when it is not RSA */
export function rsaSignerOf(key: PrivateKey): RsaSigner {
  const publicKey = publicKeyOf(key.publicKey);
  return {
    publicKey,
    signSha1: (data) => key.sign('rsa-sha1', data),
    signSha256: (data) => key.sign('rsa-sha256', data),
    rawPrivate: async (block) => {
      if (block.length !== publicKey.modulus.length)
        throw new WireError('rsa-block', 'Block is not as long as the modulus');
      return key.sign('rsa-raw', block);
    },
  };
}

// SPDX-License-Identifier: Apache-2.0
import type { RsaSigner } from '../crypto/rsa.ts';
import type { CreateKeyPair, KeyPairInfo } from '../wire/message/kms.ts';
import type { PurseKeys } from './purse-keys.ts';

/** Keys by handle: whoever holds this interface can use a private key and cannot see it. */
export interface KeyProvider {
  /**
   * Makes the pair, or returns the one of that label when it is alike.
   *
   * @throws ConflictError when the label names a pair of another purpose or size
   */
  createKeyPair(wanted: CreateKeyPair): Promise<KeyPairInfo>;
  /**
   * @param purpose what the caller is about to do with it
   * @throws NotFoundError when there is no such label
   * @throws KeyError `key-purpose` when the pair is for something else
   */
  signer(label: string, purpose: KeyPairInfo['purpose']): Promise<RsaSigner>;
  /** Master keys of purses. */
  readonly purseKeys: PurseKeys;
  /** Wipes what is held in memory. */
  close(): void;
}

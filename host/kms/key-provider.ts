// SPDX-License-Identifier: Apache-2.0
import type { RsaSigner } from '../crypto/rsa.ts';
import type { CreateKeyPair, KeyPairInfo } from '../wire/message/kms.ts';
import type { ContentKeys } from './content-keys.ts';
import type { ManagedKeys } from './managed-keys.ts';
import type { PurseKeys } from './purse-keys.ts';
import type { Sealer } from './sealing.ts';

/**
 * Keys by handle, in files of this machine or in a token: whoever holds this interface can use a private key and cannot
 * see it.
 */
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
  /** Symmetric keys with a life cycle. */
  readonly managedKeys: ManagedKeys;
  /** Folder and sealing key of what waits for another person. */
  readonly vault: { readonly folder: string; readonly sealer: Sealer };
  /** Keys for tokens, receipts and DAPs. */
  readonly contentKeys: ContentKeys;
  /** @throws TransportError while the token is away; KeyError when it refuses its PIN */
  ready(): Promise<void>;
  /** Wipes what is held in memory. */
  close(): void;
}

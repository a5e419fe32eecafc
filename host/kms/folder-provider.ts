// SPDX-License-Identifier: Apache-2.0
import type { RsaSigner } from '../crypto/rsa.ts';
import type { CreateKeyPair, KeyPairInfo } from '../wire/message/kms.ts';
import { ContentKeys } from './content-keys.ts';
import { KeyPairs } from './key-pairs.ts';
import type { KeyProvider } from './key-provider.ts';
import { ManagedKeys } from './managed-keys.ts';
import type { PrivateKeyHome } from './private-keys.ts';
import { PurseKeys } from './purse-keys.ts';
import type { Sealer } from './sealing.ts';

/** Keys in sealed files of one folder; what seals them, and where private keys are, is what providers differ in. */
export class FolderKeyProvider implements KeyProvider {
  readonly purseKeys: PurseKeys;
  readonly managedKeys: ManagedKeys;
  readonly contentKeys: ContentKeys;
  readonly vault: KeyProvider['vault'];
  readonly #pairs: KeyPairs;

  protected constructor(folder: string, sealer: Sealer, home: PrivateKeyHome) {
    this.vault = { folder, sealer };
    this.purseKeys = new PurseKeys(folder, sealer);
    this.managedKeys = new ManagedKeys(folder, sealer);
    this.contentKeys = new ContentKeys(folder, sealer, home);
    this.#pairs = new KeyPairs(folder, sealer, home);
  }

  createKeyPair(wanted: CreateKeyPair): Promise<KeyPairInfo> {
    return this.#pairs.createKeyPair(wanted);
  }

  signer(label: string, purpose: KeyPairInfo['purpose']): Promise<RsaSigner> {
    return this.#pairs.signer(label, purpose);
  }

  async ready(): Promise<void> {}

  close(): void {
    this.#pairs.close();
    this.purseKeys.close();
    this.contentKeys.close();
    this.vault.sealer.wipe();
  }
}

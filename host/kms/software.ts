// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { preparePrivateFolder, removeLeftovers } from './durable-file.ts';
import { FolderKeyProvider } from './folder-provider.ts';
import { SealingKey } from './sealing.ts';
import { SOFTWARE_KEYS } from './software-keys.ts';

/** Keys in files of one folder, sealed under a file key; in memory only as OpenSSL objects. */
export class SoftwareKeyProvider extends FolderKeyProvider {
  /**
   * @param folder made when absent, private to its owner
   * @param sealingKeyFile may lie elsewhere, so that a copy of the folder is worth nothing
   * @throws UsageError when either is open to others
   */
  static async open(folder: string, sealingKeyFile = join(folder, 'sealing.key')): Promise<SoftwareKeyProvider> {
    await preparePrivateFolder(folder);
    await removeLeftovers(folder);
    return new SoftwareKeyProvider(folder, await SealingKey.open(sealingKeyFile), SOFTWARE_KEYS);
  }
}

// SPDX-License-Identifier: Apache-2.0
import { aesCmac } from '../crypto/aes.ts';
import { Secret } from '../crypto/secret.ts';
import { fromHex } from '../wire/hex.ts';
import type { AdministrationKeyList } from './key-list.ts';
import type { Sealer } from './sealing.ts';
import { masterKeyFile, openMasterKey } from './secret-file.ts';

const PSK_BITS = 128;
/** Separates these keys from others that may come from the same master key. */
const PURPOSE = Buffer.from('opentsm administration PSK', 'latin1');

/** Pre-shared keys of remote administration: those that agents came with, else one for each identity, from a master. */
export class AdministrationKeys implements Disposable {
  readonly #master: Secret;
  readonly #listed: AdministrationKeyList | undefined;

  /** True: its file lies in clear still, because nothing may be written there. */
  readonly inClear: boolean;

  /** @param master 16, 24 or 32 bytes */
  constructor(master: Secret, inClear = false, listed?: AdministrationKeyList) {
    this.#master = master;
    this.inClear = inClear;
    this.#listed = listed;
  }

  /**
   * The master key in hex in a file that is private to its owner; with a sealer it is replaced by `<file>.sealed`,
   * which opens in this KMS alone and for nothing else.
   *
   * @throws UsageError `administration-key`; KeyError `key-unreadable`
   */
  static async open(file: string, sealer?: Sealer, listed?: AdministrationKeyList): Promise<AdministrationKeys> {
    const { hex, inClear } = await openMasterKey(
      masterKeyFile(file, 'administration-key', 'administration master key'),
      sealer,
    );
    return new AdministrationKeys(new Secret(fromHex(hex, 32)), inClear, listed);
  }

  /** 16 to 64 bytes, a copy. */
  keyOf(identity: string): Uint8Array {
    return this.#listed?.find(identity) ?? this.derive(identity);
  }

  /**
   * `AES-CMAC(master, 01 ‖ purpose ‖ 00 ‖ identity ‖ 0080)`, 16 bytes: an identity that nobody has gets a key,
   * so that asking tells nothing.
   *
   * @see NIST SP 800-108 4.1, counter mode
   */
  derive(identity: string): Uint8Array {
    const context = Buffer.from(identity, 'latin1');
    return aesCmac(
      this.#master.expose(),
      Uint8Array.of(1),
      PURPOSE,
      Uint8Array.of(0),
      context,
      Uint8Array.of(PSK_BITS >> 8, PSK_BITS & 0xff),
    );
  }

  [Symbol.dispose](): void {
    this.#master.wipe();
    this.#listed?.[Symbol.dispose]();
  }
}

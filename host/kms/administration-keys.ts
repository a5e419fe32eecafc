// SPDX-License-Identifier: Apache-2.0
import { aesCmac } from '../crypto/aes.ts';
import { Secret } from '../crypto/secret.ts';
import { UsageError } from '../errors.ts';
import { fromHex } from '../wire/hex.ts';
import { readPrivate } from './durable-file.ts';

const HEX_KEY = /^([0-9A-F]{32}|[0-9A-F]{48}|[0-9A-F]{64})\s*$/;
const PSK_BITS = 128;
/** Separates these keys from others that may come from the same master key. */
const PURPOSE = Buffer.from('opentsm administration PSK', 'latin1');

/** Pre-shared keys of remote administration, one for each identity, from one master key. */
export class AdministrationKeys implements Disposable {
  readonly #master: Secret;

  /** @param master 16, 24 or 32 bytes */
  constructor(master: Secret) {
    this.#master = master;
  }

  /** The master key in hex in a file that is private to its owner. @throws UsageError `administration-key` */
  static async open(file: string): Promise<AdministrationKeys> {
    const text = await readPrivate(file);
    const hex = HEX_KEY.exec(text ?? '')?.[1];
    if (hex === undefined)
      throw new UsageError('administration-key', `${file}: want a file with 32, 48 or 64 upper-case hex digits`, {
        file,
      });
    return new AdministrationKeys(new Secret(fromHex(hex, 32)));
  }

  /**
   * `AES-CMAC(master, 01 ‖ purpose ‖ 00 ‖ identity ‖ 0080)`, 16 bytes: an identity that nobody has gets a key too, so
   * that asking tells nothing.
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
  }
}

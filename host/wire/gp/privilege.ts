// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';

/** Privilege bits, as one 24-bit number with byte 1 on top. @see GPCS 6.6.1, Table 6-1 */
export const PRIVILEGE = {
  SECURITY_DOMAIN: 0x800000,
  DAP_VERIFICATION: 0x400000,
  DELEGATED_MANAGEMENT: 0x200000,
  CARD_LOCK: 0x100000,
  CARD_TERMINATE: 0x080000,
  CARD_RESET: 0x040000,
  CVM_MANAGEMENT: 0x020000,
  MANDATED_DAP_VERIFICATION: 0x010000,
  TRUSTED_PATH: 0x008000,
  AUTHORIZED_MANAGEMENT: 0x004000,
  TOKEN_VERIFICATION: 0x002000,
  GLOBAL_DELETE: 0x001000,
  GLOBAL_LOCK: 0x000800,
  GLOBAL_REGISTRY: 0x000400,
  FINAL_APPLICATION: 0x000200,
  GLOBAL_SERVICE: 0x000100,
  RECEIPT_GENERATION: 0x000080,
  CIPHERED_LOAD_FILE_DATA_BLOCK: 0x000040,
  CONTACTLESS_ACTIVATION: 0x000020,
  CONTACTLESS_SELF_ACTIVATION: 0x000010,
} as const;

/** Three bytes for INSTALL. */
export const encodePrivileges = (bits: number): Uint8Array =>
  Uint8Array.of((bits >> 16) & 0xff, (bits >> 8) & 0xff, bits & 0xff);

/** One byte (older cards) or three. @throws WireError */
export function decodePrivileges(bytes: Uint8Array): number {
  const [first, second = 0, third = 0] = bytes;
  if (first === undefined || (bytes.length !== 1 && bytes.length !== 3)) {
    throw new WireError('privileges-length', 'Privileges are 1 or 3 bytes', { got: bytes.length });
  }
  return (first << 16) | (second << 8) | third;
}

/** What an SSD gets: security domain and trusted path (applet README 5.1). */
export const SUPPLEMENTARY_SECURITY_DOMAIN_PRIVILEGES = PRIVILEGE.SECURITY_DOMAIN | PRIVILEGE.TRUSTED_PATH;

// SPDX-License-Identifier: Apache-2.0
const CRC16_POLYNOMIAL = 0x8408;
const CRC32_POLYNOMIAL = 0xedb88320;

function reflected(data: Uint8Array, polynomial: number, mask: number): number {
  let crc = mask;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
  }
  return ((crc ^ mask) & mask) >>> 0;
}

/**
 * CRC-16 of X.25, 2 bytes big-endian. A redundancy check: it proves nothing about the sender. @see TS 102 225 5.1.3.2
 */
export function crc16(data: Uint8Array): Uint8Array {
  const crc = reflected(data, CRC16_POLYNOMIAL, 0xffff);
  return Uint8Array.of(crc >> 8, crc & 0xff);
}

/** CRC-32, 4 bytes big-endian. @see TS 102 225 5.1.3.2 */
export function crc32(data: Uint8Array): Uint8Array {
  const crc = reflected(data, CRC32_POLYNOMIAL, 0xffffffff);
  return Uint8Array.of(crc >>> 24, (crc >>> 16) & 0xff, (crc >>> 8) & 0xff, crc & 0xff);
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ota;

import javacard.framework.JCSystem;
import javacard.framework.Util;
import javacard.security.AESKey;
import javacard.security.DESKey;
import javacard.security.Key;
import javacard.security.KeyBuilder;
import javacardx.crypto.Cipher;

/**
 * What a packet's KIc and KID name: triple DES and AES in CBC with a vector of zeros, the last block of triple DES-CBC
 * and the first eight bytes of CMAC, CRC-16 and CRC-32 (TS 102 225 5.1.2, 5.1.3). Single DES and ECB are not there.
 */
final class PacketCiphers {

    static final byte NOT_SUPPORTED = (byte) 0;
    static final byte DES = (byte) 0x80;
    static final byte AES = (byte) 0x88;
    static final short CHECKSUM = (short) 8;

    private static final short DES_BLOCK = (short) 8;
    private static final short AES_BLOCK = (short) 16;
    private static final short TWO_KEYS = (short) 16;
    private static final short THREE_KEYS = (short) 24;
    private static final byte POLYNOMIAL_OF_CMAC = (byte) 0x87;

    // Low nibbles of KIc and KID
    private static final byte IMPLICIT = (byte) 0;
    private static final byte NIBBLE_AES = (byte) 2;
    private static final byte NIBBLE_TWO_KEYS = (byte) 5;
    private static final byte NIBBLE_THREE_KEYS = (byte) 9;

    // RAM: the block being made, and the subkey of CMAC
    private static final short BLOCK = (short) 0;
    private static final short SUBKEY = AES_BLOCK;

    private final byte[] ram;
    private final DESKey twoKeys;
    private final DESKey threeKeys;
    private final AESKey aes128;
    private final AESKey aes192;
    private final AESKey aes256;
    private final Cipher desCbc;
    private final Cipher desEcb;
    private final Cipher aesCbc;
    private final Cipher aesEcb;

    PacketCiphers() {
        ram = JCSystem.makeTransientByteArray((short) (2 * AES_BLOCK), JCSystem.CLEAR_ON_RESET);
        twoKeys = des(KeyBuilder.LENGTH_DES3_2KEY);
        threeKeys = des(KeyBuilder.LENGTH_DES3_3KEY);
        aes128 = aes(KeyBuilder.LENGTH_AES_128);
        aes192 = aes(KeyBuilder.LENGTH_AES_192);
        aes256 = aes(KeyBuilder.LENGTH_AES_256);
        desCbc = Cipher.getInstance(Cipher.ALG_DES_CBC_NOPAD, false);
        desEcb = Cipher.getInstance(Cipher.ALG_DES_ECB_NOPAD, false);
        aesCbc = Cipher.getInstance(Cipher.ALG_AES_BLOCK_128_CBC_NOPAD, false);
        aesEcb = Cipher.getInstance(Cipher.ALG_AES_BLOCK_128_ECB_NOPAD, false);
    }

    private static DESKey des(short bits) {
        return (DESKey) KeyBuilder.buildKey(KeyBuilder.TYPE_DES_TRANSIENT_RESET, bits, false);
    }

    private static AESKey aes(short bits) {
        return (AESKey) KeyBuilder.buildKey(KeyBuilder.TYPE_AES_TRANSIENT_RESET, bits, false);
    }

    /** True when the low nibble of KIc or KID names an algorithm for a key of this type and length. */
    static boolean fits(byte nibble, byte type, short length) {
        switch (nibble) {
            case IMPLICIT:
                return type == AES || type == DES && (length == TWO_KEYS || length == THREE_KEYS);
            case NIBBLE_AES:
                return type == AES;
            case NIBBLE_TWO_KEYS:
                return type == DES && length == TWO_KEYS;
            case NIBBLE_THREE_KEYS:
                return type == DES && length == THREE_KEYS;
            default:
                return false;
        }
    }

    static short block(byte type) {
        return type == AES ? AES_BLOCK : DES_BLOCK;
    }

    private Key key(byte type, byte[] from, short offset, short length) {
        if (type == AES) {
            AESKey key = length == 16 ? aes128 : (length == 24 ? aes192 : aes256);
            key.setKey(from, offset);
            return key;
        }
        DESKey key = length == TWO_KEYS ? twoKeys : threeKeys;
        key.setKey(from, offset);
        return key;
    }

    /**
     * Enciphers or deciphers whole blocks in place.
     *
     * @param key  {@code type, value} of {@code keyLength} bytes in all
     * @param mode of {@link Cipher}
     */
    void cipher(byte mode, byte[] key, short keyOffset, short keyLength, byte[] data, short offset, short length) {
        byte type = key[keyOffset];
        Cipher cipher = type == AES ? aesCbc : desCbc;
        cipher.init(key(type, key, (short) (keyOffset + 1), (short) (keyLength - 1)), mode);
        cipher.doFinal(data, offset, length, data, offset);
    }

    /** Writes the eight bytes of a cryptographic checksum. */
    void checksum(
            byte[] key,
            short keyOffset,
            short keyLength,
            byte[] data,
            short offset,
            short length,
            byte[] out,
            short at) {
        byte type = key[keyOffset];
        short block = block(type);
        Cipher cipher = type == AES ? aesEcb : desEcb;
        cipher.init(key(type, key, (short) (keyOffset + 1), (short) (keyLength - 1)), Cipher.MODE_ENCRYPT);
        Util.arrayFillNonAtomic(ram, (short) 0, (short) (2 * AES_BLOCK), (byte) 0);
        if (type == AES) {
            // 800-38B 6.1: the subkey of a last block that is whole, or of one that is not
            cipher.doFinal(ram, SUBKEY, AES_BLOCK, ram, SUBKEY);
            doubleSubkey();
            if ((length & 15) != 0 || length == 0) {
                doubleSubkey();
            }
        }
        short done = (short) 0;
        do {
            short size = (short) (length - done) < block ? (short) (length - done) : block;
            add(data, (short) (offset + done), size, BLOCK);
            done = (short) (done + size);
            if (done == length && type == AES) {
                if (size < block) {
                    ram[(short) (BLOCK + size)] ^= (byte) 0x80;
                }
                add(ram, SUBKEY, AES_BLOCK, BLOCK);
            }
            cipher.doFinal(ram, BLOCK, block, ram, BLOCK);
        } while (done < length);
        Util.arrayCopyNonAtomic(ram, BLOCK, out, at, CHECKSUM);
        Util.arrayFillNonAtomic(ram, (short) 0, (short) (2 * AES_BLOCK), (byte) 0);
    }

    private void add(byte[] data, short offset, short length, short to) {
        for (short i = 0; i < length; i++) {
            ram[(short) (to + i)] ^= data[(short) (offset + i)];
        }
    }

    private void doubleSubkey() {
        boolean carries = ram[SUBKEY] < 0;
        for (short i = SUBKEY; i < (short) (SUBKEY + AES_BLOCK - 1); i++) {
            ram[i] = (byte) (ram[i] << 1 | (ram[(short) (i + 1)] >> 7 & 1));
        }
        short last = (short) (SUBKEY + AES_BLOCK - 1);
        ram[last] = (byte) (ram[last] << 1);
        if (carries) {
            ram[last] ^= POLYNOMIAL_OF_CMAC;
        }
    }

    /** Writes CRC-16 of X.25, two bytes (TS 102 225 5.1.3.2). */
    static void crc16(byte[] data, short offset, short length, byte[] out, short at) {
        short crc = (short) 0xFFFF;
        for (short i = 0; i < length; i++) {
            crc ^= (short) (data[(short) (offset + i)] & 0xFF);
            for (byte bit = 0; bit < 8; bit++) {
                boolean odd = (crc & 1) != 0;
                crc = (short) (crc >> 1 & 0x7FFF);
                if (odd) {
                    crc ^= (short) 0x8408;
                }
            }
        }
        Util.setShort(out, at, (short) ~crc);
    }

    /** Writes CRC-32, four bytes (TS 102 225 5.1.3.2). */
    static void crc32(byte[] data, short offset, short length, byte[] out, short at) {
        short high = (short) 0xFFFF;
        short low = (short) 0xFFFF;
        for (short i = 0; i < length; i++) {
            low ^= (short) (data[(short) (offset + i)] & 0xFF);
            for (byte bit = 0; bit < 8; bit++) {
                boolean odd = (low & 1) != 0;
                low = (short) (low >> 1 & 0x7FFF | (high & 1) << 15);
                high = (short) (high >> 1 & 0x7FFF);
                if (odd) {
                    high ^= (short) 0xEDB8;
                    low ^= (short) 0x8320;
                }
            }
        }
        Util.setShort(out, at, (short) ~high);
        Util.setShort(out, (short) (at + 2), (short) ~low);
    }

    /** Empties the key objects. */
    void clear() {
        twoKeys.clearKey();
        threeKeys.clearKey();
        aes128.clearKey();
        aes192.clearKey();
        aes256.clearKey();
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.Util;
import javacardx.crypto.Cipher;

/**
 * The form of key data fields (GPCS 11.8.2.3): {@code {[FF] type L value}.. 0|3 KCV}, behind which format 2 has
 * {@code L usage, L access}. Secret values come as ciphertext alone or, where that is no multiple of a DES block, with
 * the key's real length before it. What does not fit is 6A80.
 */
final class KeyField {

    private KeyField() {}

    static boolean isExtended(byte[] buffer, short field) {
        return buffer[field] == Gp.KEY_EXTENDED;
    }

    /** True while a component starts here: types are 80 and above, lengths of check values below. */
    static boolean isComponent(byte[] buffer, short at, short end) {
        return at < end && buffer[at] < 0;
    }

    private static short typeAt(byte[] buffer, short at, short end) {
        short type = isExtended(buffer, at) ? (short) (at + 1) : at;
        Tlv.require(type < end);
        return type;
    }

    static byte type(byte[] buffer, short at, short end) {
        return buffer[typeAt(buffer, at, end)];
    }

    /** Offset of what stands for a component's value. */
    static short value(byte[] buffer, short at, short end) {
        return Tlv.afterLength(buffer, (short) (typeAt(buffer, at, end) + 1), end);
    }

    static short length(byte[] buffer, short at, short end) {
        short length = Tlv.bareLength(buffer, (short) (typeAt(buffer, at, end) + 1), end);
        Tlv.require(length > 0);
        return length;
    }

    /** Offset behind the component, and behind the empty check value that some hosts put before an RSA exponent. */
    static short behind(byte[] buffer, short at, short end) {
        short behind = (short) (value(buffer, at, end) + length(buffer, at, end));
        boolean checked = type(buffer, at, end) == Gp.KEY_RSA_MODULUS
                && (short) (end - behind) > 1
                && Util.getShort(buffer, behind) == (short) (Gp.KEY_RSA_EXPONENT & 0xFF);
        return checked ? (short) (behind + 1) : behind;
    }

    /** True for a type whose value is secret, and enciphered in a session. */
    static boolean isSecret(byte type) {
        return isSymmetric(type) || (type >= Gp.KEY_RSA_D && type <= Gp.KEY_RSA_DQ1) || type == Gp.KEY_ECC_PRIVATE;
    }

    /** True for a key of one secret value: DES, AES, a pre-shared key of TLS, HMAC. */
    static boolean isSymmetric(byte type) {
        return isDes(type)
                || type == Gp.KEY_TLS_PSK
                || type == Gp.KEY_AES
                || type == Gp.KEY_HMAC_SHA1
                || type == Gp.KEY_HMAC_SHA256;
    }

    static boolean isDes(byte type) {
        return type == Gp.KEY_DES || (type >= (byte) 0x82 && type <= (byte) 0x84);
    }

    /** Offset of the key in a secret component, whose length there may be before it. */
    static short secret(byte[] buffer, short at, short end) {
        short value = value(buffer, at, end);
        return (length(buffer, at, end) & 7) == 0 ? value : Tlv.afterLength(buffer, value, behind(buffer, at, end));
    }

    /** Bytes of a secret component that stand under the data encryption key. */
    static short cipherLength(byte[] buffer, short at, short end) {
        return (short) (behind(buffer, at, end) - secret(buffer, at, end));
    }

    /** Length of the key itself: the one named before it, or that of its blocks. */
    static short secretLength(byte[] buffer, short at, short end) {
        short blocks = cipherLength(buffer, at, end);
        if ((length(buffer, at, end) & 7) == 0) {
            return blocks;
        }
        short named = Tlv.bareLength(buffer, value(buffer, at, end), behind(buffer, at, end));
        Tlv.require((blocks & 7) == 0 && named > 0 && named <= blocks && (short) (blocks - named) < Cmac.BLOCK);
        return named;
    }

    /** Offset behind the components that start at {@code at}. */
    static short components(byte[] buffer, short at, short end) {
        while (isComponent(buffer, at, end)) {
            at = behind(buffer, at, end);
        }
        return at;
    }

    /** Offset behind check value, usage and access, which start at {@code check}. */
    static short tail(byte[] buffer, short check, short end, boolean extended) {
        short at = afterShort(buffer, check, end, BlockCiphers.CHECK_LENGTH);
        if (extended) {
            at = afterShort(buffer, at, end, (short) 2);
            at = afterShort(buffer, at, end, (short) 1);
        }
        return at;
    }

    private static short afterShort(byte[] buffer, short at, short end, short most) {
        Tlv.require(at < end && buffer[at] >= 0 && buffer[at] <= most && buffer[at] < (short) (end - at));
        return (short) (at + 1 + buffer[at]);
    }

    /**
     * 6982 for a command without a MAC. Nothing else says whose a public key is: anybody between host and card could
     * put one of his own, and be the owner, or sign tokens, for good.
     */
    static void requireMac(SecureChannel channel) {
        if ((channel.ram[Transients.LEVEL] & Gp.LEVEL_C_MAC) == 0) {
            Refuse.security();
        }
    }

    /** Opens the secrets of all fields in place under the session's data encryption key; 6982 as requireMac(). */
    static void open(SecureChannel channel, byte[] buffer, short offset, short length) {
        short end = (short) (offset + length);
        short at = (short) (offset + 1);
        while (at < end) {
            boolean extended = isExtended(buffer, at);
            Tlv.require(isComponent(buffer, at, end));
            while (isComponent(buffer, at, end)) {
                if (isSecret(type(buffer, at, end))) {
                    channel.cryptKey(
                            Cipher.MODE_DECRYPT, buffer, secret(buffer, at, end), cipherLength(buffer, at, end));
                } else {
                    requireMac(channel);
                }
                at = behind(buffer, at, end);
            }
            at = tail(buffer, at, end, extended);
        }
    }
}

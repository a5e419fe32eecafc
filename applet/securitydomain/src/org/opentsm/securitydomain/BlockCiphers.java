// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.Util;
import javacard.security.CryptoException;
import javacard.security.Key;
import javacard.security.MessageDigest;
import javacardx.crypto.Cipher;

/** The block ciphers of a domain, key objects for them and a digest, which its protocols take turns with. */
final class BlockCiphers {

    static final short CHECK_LENGTH = (short) 3;

    final BlockKeys aes;
    final BlockKeys des;
    final Cipher aesEcb;
    final Cipher aesCbc;
    final Cipher desEcb;
    final Cipher desCbc;
    final MessageDigest sha1;
    private final byte[] ram;

    /** @param shared true when they are used while another applet is selected */
    BlockCiphers(byte[] ram, boolean shared) {
        this.ram = ram;
        aes = new BlockKeys(true, shared);
        des = new BlockKeys(false, shared);
        aesEcb = cipher(Cipher.ALG_AES_BLOCK_128_ECB_NOPAD, shared);
        aesCbc = Cipher.getInstance(Cipher.ALG_AES_BLOCK_128_CBC_NOPAD, false);
        desEcb = cipher(Cipher.ALG_DES_ECB_NOPAD, shared);
        desCbc = Cipher.getInstance(Cipher.ALG_DES_CBC_NOPAD, false);
        sha1 = MessageDigest.getInstance(MessageDigest.ALG_SHA, false);
    }

    /** A cipher for use while another applet is selected; a card that has none such gives the one it has. */
    static Cipher cipher(byte algorithm, boolean shared) {
        try {
            return Cipher.getInstance(algorithm, shared);
        } catch (CryptoException e) {
            return Cipher.getInstance(algorithm, false);
        }
    }

    /**
     * Opens or encrypts key data in place under a key in RAM: AES in CBC with a vector of zeros, triple DES in ECB, or
     * in CBC where its type has the bit of that.
     */
    void cryptKey(byte mode, byte type, short key, short keyLength, byte[] buffer, short offset, short length) {
        boolean isAes = (type & Gp.KEY_AES_BIT) != 0;
        Cipher cipher = isAes ? aesCbc : type == Gp.KEY_DES ? desEcb : desCbc;
        cipher.init(key(isAes, ram, key, keyLength), mode);
        cipher.doFinal(buffer, offset, length, buffer, offset);
    }

    private Key key(boolean isAes, byte[] buffer, short offset, short length) {
        return (isAes ? aes : des).key(buffer, offset, length);
    }

    void clear() {
        aes.clear();
        des.clear();
    }

    /**
     * Whether a key has this check value: first three bytes of a block of 01 under an AES key, of 00 under a DES key
     * (GPCS B.6), of SHA-1 over a pre-shared key of TLS (Amendment B 3.9.1).
     */
    boolean hasCheckValue(byte type, byte[] key, short offset, short length, byte[] check, short at) {
        if (type == Gp.KEY_TLS_PSK) {
            sha1.doFinal(key, offset, length, ram, Transients.SCRATCH);
        } else {
            boolean isAes = type == Gp.KEY_AES;
            Util.arrayFillNonAtomic(ram, Transients.SCRATCH, Cmac.BLOCK, isAes ? (byte) 1 : (byte) 0);
            Cipher cipher = isAes ? aesEcb : desEcb;
            cipher.init(key(isAes, key, offset, length), Cipher.MODE_ENCRYPT);
            cipher.doFinal(ram, Transients.SCRATCH, Cmac.BLOCK, ram, Transients.SCRATCH);
        }
        boolean same = Util.arrayCompare(ram, Transients.SCRATCH, check, at, CHECK_LENGTH) == 0;
        Bytes.wipe(ram, Transients.SCRATCH, Transients.SCRATCH_SIZE);
        return same;
    }
}

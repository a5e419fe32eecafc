// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.Util;
import javacard.security.CryptoException;
import javacard.security.Key;
import javacardx.crypto.Cipher;

/** The block ciphers of a domain and key objects for them, which its protocols take turns with. */
final class BlockCiphers {

    static final short CHECK_LENGTH = (short) 3;

    final BlockKeys aes;
    final BlockKeys des;
    final Cipher aesEcb;
    final Cipher aesCbc;
    final Cipher desEcb;
    final Cipher desCbc;
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
    }

    /** A cipher for use while another applet is selected; a card that has none such gives the one it has. */
    static Cipher cipher(byte algorithm, boolean shared) {
        try {
            return Cipher.getInstance(algorithm, shared);
        } catch (CryptoException e) {
            return Cipher.getInstance(algorithm, false);
        }
    }

    /** Opens or encrypts key data in place under a key in RAM: AES in CBC with a vector of zeros, triple DES in ECB. */
    void cryptKey(byte mode, boolean isAes, short key, short keyLength, byte[] buffer, short offset, short length) {
        Cipher cipher = isAes ? aesCbc : desEcb;
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

    /** Check value of GPCS B.6: first three bytes of a block of 01 under an AES key, of 00 under a DES key. */
    void checkValue(byte type, byte[] key, short offset, short length, byte[] out, short outOffset) {
        boolean isAes = type == Gp.KEY_AES;
        Util.arrayFillNonAtomic(ram, Transients.SCRATCH, Cmac.BLOCK, isAes ? (byte) 1 : (byte) 0);
        Cipher cipher = isAes ? aesEcb : desEcb;
        cipher.init(key(isAes, key, offset, length), Cipher.MODE_ENCRYPT);
        cipher.doFinal(ram, Transients.SCRATCH, Cmac.BLOCK, ram, Transients.SCRATCH);
        Util.arrayCopyNonAtomic(ram, Transients.SCRATCH, out, outOffset, CHECK_LENGTH);
        Bytes.wipe(ram, Transients.SCRATCH, Cmac.BLOCK);
    }
}

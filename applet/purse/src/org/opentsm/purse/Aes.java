// SPDX-License-Identifier: Apache-2.0
package org.opentsm.purse;

import javacard.framework.Util;
import javacard.security.AESKey;
import javacard.security.Key;
import javacard.security.KeyBuilder;
import javacard.security.Signature;
import javacardx.crypto.Cipher;

/**
 * AES-128: MACs are AES-CMAC, session keys come from the counter-mode KDF over it (NIST SP 800-108, 800-38B). CMAC is a
 * CBC-MAC whose last block a subkey was added to, for cards without ALG_AES_CMAC_128.
 */
final class Aes extends Cryptography {

    private static final short BLOCK = (short) 16;
    private static final short SUBKEY = (short) 0;
    private static final short LAST = BLOCK;
    private static final short SESSION_DATA = (short) (2 * BLOCK);
    private static final short SESSION_LENGTH = (short) 27;
    private static final short CONTEXT_LENGTH = (short) 11;
    /** Constants of the derivation: session of an on-line and of an off-line type. */
    private static final byte ONLINE = (byte) 0xC1;

    private static final byte OFFLINE = (byte) 0xC2;
    private static final short BITS = (short) 0x0080;

    private final Cipher cipher = Cipher.getInstance(Cipher.ALG_AES_BLOCK_128_ECB_NOPAD, false);
    private final Signature chain = Signature.getInstance(Signature.ALG_AES_MAC_128_NOPAD, false);
    private final AESKey session =
            (AESKey) KeyBuilder.buildKey(KeyBuilder.TYPE_AES_TRANSIENT_DESELECT, KeyBuilder.LENGTH_AES_128, false);

    byte algorithm() {
        return Spec.AES;
    }

    Key newKey(byte kind) {
        return KeyBuilder.buildKey(KeyBuilder.TYPE_AES, KeyBuilder.LENGTH_AES_128, false);
    }

    boolean setKey(Key key, byte kind, byte[] buffer, short offset) {
        ((AESKey) key).setKey(buffer, offset);
        return true;
    }

    void startSession(Key key, byte[] context, short offset, boolean offline) {
        Util.arrayFillNonAtomic(scratch, SESSION_DATA, SESSION_LENGTH, (byte) 0);
        scratch[(short) (SESSION_DATA + 11)] = offline ? OFFLINE : ONLINE;
        Util.setShort(scratch, (short) (SESSION_DATA + 13), BITS);
        scratch[(short) (SESSION_DATA + 15)] = (byte) 1;
        Util.arrayCopyNonAtomic(context, offset, scratch, (short) (SESSION_DATA + BLOCK), CONTEXT_LENGTH);
        cmac(key, scratch, SESSION_DATA, SESSION_LENGTH);
        session.setKey(scratch, LAST);
        Util.arrayFillNonAtomic(scratch, (short) 0, SCRATCH, (byte) 0);
    }

    void mac(byte[] data, short offset, short length, byte[] out, short outOffset) {
        cmac(session, data, offset, length);
        Util.arrayCopyNonAtomic(scratch, LAST, out, outOffset, Spec.MAC);
    }

    void tac(Key key, byte[] data, short offset, short length, byte[] out, short outOffset) {
        cmac(key, data, offset, length);
        Util.arrayCopyNonAtomic(scratch, LAST, out, outOffset, Spec.MAC);
    }

    /** Writes the 16 bytes to LAST. */
    private void cmac(Key key, byte[] data, short offset, short length) {
        short whole = (short) ((short) ((short) (length - 1) / BLOCK) * BLOCK);
        short rest = (short) (length - whole);
        Util.arrayFillNonAtomic(scratch, SUBKEY, (short) (2 * BLOCK), (byte) 0);
        cipher.init(key, Cipher.MODE_ENCRYPT);
        cipher.doFinal(scratch, SUBKEY, BLOCK, scratch, SUBKEY);
        twice();
        Util.arrayCopyNonAtomic(data, (short) (offset + whole), scratch, LAST, rest);
        if (rest < BLOCK) {
            scratch[(short) (LAST + rest)] = (byte) 0x80;
            twice();
        }
        for (short i = (short) 0; i < BLOCK; i++) {
            scratch[(short) (LAST + i)] ^= scratch[(short) (SUBKEY + i)];
        }
        chain.init(key, Signature.MODE_SIGN);
        chain.update(data, offset, whole);
        chain.sign(scratch, LAST, BLOCK, scratch, LAST);
        Util.arrayFillNonAtomic(scratch, SUBKEY, BLOCK, (byte) 0);
    }

    /** Doubles the subkey in GF(2^128). */
    private void twice() {
        byte carry = (byte) 0;
        for (short i = (short) (SUBKEY + BLOCK - 1); i >= SUBKEY; i--) {
            byte high = (byte) ((scratch[i] & 0x80) == 0 ? 0 : 1);
            scratch[i] = (byte) ((byte) (scratch[i] << 1) | carry);
            carry = high;
        }
        if (carry != 0) {
            scratch[(short) (SUBKEY + BLOCK - 1)] ^= (byte) 0x87;
        }
    }

    void endSession() {
        session.clearKey();
    }
}

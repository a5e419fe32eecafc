// SPDX-License-Identifier: Apache-2.0
package org.opentsm.purse;

import javacard.framework.Util;
import javacard.security.DESKey;
import javacard.security.Key;
import javacard.security.KeyBuilder;
import javacard.security.Signature;
import javacardx.crypto.Cipher;

/** Triple DES keys of two parts, single DES under the session key, ISO 9797-1 method 2 padding. */
final class TripleDes extends Cryptography {

    private static final short BLOCK = (short) 8;

    private final Cipher cipher = Cipher.getInstance(Cipher.ALG_DES_ECB_NOPAD, false);
    private final Signature signature = Signature.getInstance(Signature.ALG_DES_MAC8_ISO9797_M2, false);
    private final DESKey session =
            (DESKey) KeyBuilder.buildKey(KeyBuilder.TYPE_DES_TRANSIENT_DESELECT, KeyBuilder.LENGTH_DES, false);

    byte algorithm() {
        return Spec.TRIPLE_DES;
    }

    Key newKey(byte kind) {
        return KeyBuilder.buildKey(
                KeyBuilder.TYPE_DES, kind == Spec.KEY_TAC ? KeyBuilder.LENGTH_DES : KeyBuilder.LENGTH_DES3_2KEY, false);
    }

    /**
     * Of the TAC key both halves together make the single DES key; alike they make none. It is made in the buffer:
     * memory that a deselection clears is out of reach here, for another application is selected.
     */
    boolean setKey(Key key, byte kind, byte[] buffer, short offset) {
        if (kind != Spec.KEY_TAC) {
            ((DESKey) key).setKey(buffer, offset);
            return true;
        }
        byte any = (byte) 0;
        for (short i = (short) 0; i < BLOCK; i++) {
            buffer[(short) (offset + i)] ^= buffer[(short) (offset + BLOCK + i)];
            // parity bits are no part of the key
            any |= (byte) (buffer[(short) (offset + i)] & 0xFE);
        }
        ((DESKey) key).setKey(buffer, offset);
        return any != 0;
    }

    void startSession(Key key, byte[] context, short offset, boolean offline) {
        Util.arrayCopyNonAtomic(context, offset, scratch, (short) 0, (short) (Spec.RANDOM + Spec.COUNTER));
        if (offline) {
            Util.arrayCopyNonAtomic(
                    context, (short) (offset + Spec.RANDOM + Spec.COUNTER + 2), scratch, (short) 6, (short) 2);
        } else {
            Util.setShort(scratch, (short) 6, (short) 0x8000);
        }
        cipher.init(key, Cipher.MODE_ENCRYPT);
        cipher.doFinal(scratch, (short) 0, BLOCK, scratch, (short) 0);
        session.setKey(scratch, (short) 0);
        Util.arrayFillNonAtomic(scratch, (short) 0, BLOCK, (byte) 0);
    }

    void mac(byte[] data, short offset, short length, byte[] out, short outOffset) {
        sign(session, data, offset, length, out, outOffset);
    }

    void tac(Key key, byte[] data, short offset, short length, byte[] out, short outOffset) {
        sign(key, data, offset, length, out, outOffset);
    }

    private void sign(Key key, byte[] data, short offset, short length, byte[] out, short outOffset) {
        signature.init(key, Signature.MODE_SIGN);
        signature.sign(data, offset, length, scratch, (short) 0);
        Util.arrayCopyNonAtomic(scratch, (short) 0, out, outOffset, Spec.MAC);
        Util.arrayFillNonAtomic(scratch, (short) 0, BLOCK, (byte) 0);
    }

    void endSession() {
        session.clearKey();
    }
}

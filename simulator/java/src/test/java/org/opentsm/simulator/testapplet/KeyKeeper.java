// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.testapplet;

import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.SensitiveArrays;
import javacard.framework.Util;
import javacard.security.AESKey;
import javacard.security.CryptoException;
import javacard.security.KeyBuilder;
import javacard.security.KeyPair;
import javacard.security.Signature;
import javacardx.crypto.Cipher;

/** Keys in every kind of memory, and engines that are initialized once. P1 chooses the key. */
public final class KeyKeeper extends Applet {

    private final AESKey[] keys = new AESKey[3];
    private final Cipher[] ciphers = new Cipher[3];
    private final KeyPair pair = new KeyPair(KeyPair.ALG_EC_FP, KeyBuilder.LENGTH_EC_FP_256);
    private final Signature signature = Signature.getInstance(Signature.ALG_ECDSA_SHA_256, false);
    private final byte[] sensitive = (byte[]) SensitiveArrays.makeIntegritySensitiveArray(
            JCSystem.ARRAY_TYPE_BYTE, JCSystem.MEMORY_TYPE_PERSISTENT, (short) 4);
    private final byte[] scratch = JCSystem.makeTransientByteArray((short) 100, JCSystem.CLEAR_ON_RESET);

    private KeyKeeper() {
        byte[] types = {KeyBuilder.TYPE_AES, KeyBuilder.TYPE_AES_TRANSIENT_RESET, KeyBuilder.TYPE_AES_TRANSIENT_DESELECT
        };
        for (short i = 0; i < 3; i++) {
            keys[i] = (AESKey) KeyBuilder.buildKey(types[i], KeyBuilder.LENGTH_AES_128, false);
            ciphers[i] = Cipher.getInstance(Cipher.ALG_AES_BLOCK_128_CBC_NOPAD, false);
        }
    }

    public static void install(byte[] parameters, short offset, byte length) {
        new KeyKeeper().register(parameters, (short) (offset + 1), parameters[offset]);
    }

    @Override
    public void process(APDU apdu) {
        if (selectingApplet()) {
            return;
        }
        try {
            command(apdu);
        } catch (CryptoException e) {
            ISOException.throwIt((short) (0x6E00 | e.getReason()));
        }
    }

    private void command(APDU apdu) {
        byte[] buffer = apdu.getBuffer();
        short which = buffer[ISO7816.OFFSET_P1];
        switch (buffer[ISO7816.OFFSET_INS]) {
            case 0x10:
                apdu.setIncomingAndReceive();
                keys[which].setKey(buffer, ISO7816.OFFSET_CDATA);
                return;
            case 0x12:
                ciphers[which].init(keys[which], Cipher.MODE_ENCRYPT);
                return;
            case 0x14:
                Util.arrayFillNonAtomic(scratch, (short) 0, (short) 16, (byte) 0);
                ciphers[which].doFinal(scratch, (short) 0, (short) 16, buffer, (short) 0);
                apdu.setOutgoingAndSend((short) 0, (short) 16);
                return;
            case 0x16:
                apdu.setIncomingAndReceive();
                JCSystem.beginTransaction();
                keys[which].setKey(buffer, ISO7816.OFFSET_CDATA);
                pair.genKeyPair();
                JCSystem.abortTransaction();
                return;
            case 0x20:
                pair.genKeyPair();
                return;
            case 0x22:
                signature.init(pair.getPrivate(), Signature.MODE_SIGN);
                short length = signature.sign(buffer, (short) 0, (short) 5, scratch, (short) 0);
                signature.init(pair.getPublic(), Signature.MODE_VERIFY);
                buffer[5] = (byte) (signature.verify(buffer, (short) 0, (short) 5, scratch, (short) 0, length) ? 1 : 0);
                buffer[6] = (byte) (SensitiveArrays.isIntegritySensitive(sensitive) ? 1 : 0);
                apdu.setOutgoingAndSend((short) 5, (short) 2);
                return;
            default:
                ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.HexFormat;
import javacard.security.AESKey;
import javacard.security.DESKey;
import javacard.security.KeyBuilder;
import javacard.security.Signature;
import javacardx.crypto.Cipher;
import org.junit.jupiter.api.Test;

/** What an engine remembers from one text to the next: the key, and no vector. */
class ChainingTest {

    private static final byte[] VECTOR = HexFormat.of().parseHex("01000000000000000000000000000077");
    private static final byte[] KEY = HexFormat.of().parseHex("000102030405060708090a0b0c0d0e0f");
    private static final byte[] ZERO = new byte[16];

    /** Expected values from Python's cryptography. */
    @Test
    void theVectorIsZeroAfterDoFinal() {
        AESKey key = (AESKey) KeyBuilder.buildKey(KeyBuilder.TYPE_AES, KeyBuilder.LENGTH_AES_128, false);
        key.setKey(KEY, (short) 0);
        Cipher cipher = Cipher.getInstance(Cipher.ALG_AES_BLOCK_128_CBC_NOPAD, false);
        cipher.init(key, Cipher.MODE_ENCRYPT, VECTOR, (short) 0, (short) 16);
        byte[] out = new byte[32];
        cipher.doFinal(ZERO, (short) 0, (short) 16, out, (short) 0);
        cipher.doFinal(ZERO, (short) 0, (short) 16, out, (short) 16);
        assertEquals(
                "1d13d567b9b1b801d4de2f3950124d45c6a13b37878f5b826f4f8162a1c8d879",
                HexFormat.of().formatHex(out));
    }

    @Test
    void theVectorIsZeroAfterSign() {
        DESKey key = (DESKey) KeyBuilder.buildKey(KeyBuilder.TYPE_DES, KeyBuilder.LENGTH_DES3_2KEY, false);
        key.setKey(KEY, (short) 0);
        Signature mac = Signature.getInstance(Signature.ALG_DES_MAC8_ISO9797_M2, false);
        byte[] out = new byte[24];
        mac.init(key, Signature.MODE_SIGN, VECTOR, (short) 0, (short) 8);
        mac.sign(ZERO, (short) 0, (short) 8, out, (short) 0);
        mac.sign(ZERO, (short) 0, (short) 8, out, (short) 8);
        mac.init(key, Signature.MODE_SIGN);
        mac.sign(ZERO, (short) 0, (short) 8, out, (short) 16);
        assertArrayEquals(Arrays.copyOfRange(out, 16, 24), Arrays.copyOfRange(out, 8, 16));
    }
}

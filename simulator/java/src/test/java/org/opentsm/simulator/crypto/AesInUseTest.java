// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.Random;
import javacard.security.AESKey;
import javacard.security.KeyBuilder;
import javacardx.crypto.Cipher;
import org.bouncycastle.crypto.BlockCipher;
import org.bouncycastle.crypto.engines.AESEngine;
import org.bouncycastle.crypto.params.KeyParameter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A key that stays in use ciphers as it did at first. */
class AesInUseTest {

    private static final int CALLS = 40;
    private static final int LENGTH = 32;
    private final Random random = new Random(20);

    @ParameterizedTest
    @ValueSource(ints = {128, 192, 256})
    void ciphersAsAtFirst(int bits) {
        AESKey key = (AESKey) KeyBuilder.buildKey(KeyBuilder.TYPE_AES, (short) bits, false);
        Cipher cipher = Cipher.getInstance(Cipher.ALG_AES_BLOCK_128_ECB_NOPAD, false);
        Cipher inverse = Cipher.getInstance(Cipher.ALG_AES_BLOCK_128_ECB_NOPAD, false);
        // The second key comes to engines that have gone on to the quick way.
        for (int keys = 0; keys < 2; keys++) {
            byte[] value = bytes(bits / 8);
            key.setKey(value, (short) 0);
            BlockCipher other = AESEngine.newInstance();
            other.init(true, new KeyParameter(value));
            cipher.init(key, Cipher.MODE_ENCRYPT);
            inverse.init(key, Cipher.MODE_DECRYPT);
            for (int call = 0; call < CALLS; call++) {
                byte[] text = bytes(LENGTH);
                byte[] expected = new byte[LENGTH];
                other.processBlock(text, 0, expected, 0);
                other.processBlock(text, LENGTH / 2, expected, LENGTH / 2);
                byte[] buffer = text.clone();
                cipher.doFinal(buffer, (short) 0, (short) LENGTH, buffer, (short) 0);
                assertArrayEquals(expected, buffer, "call " + call);
                inverse.doFinal(buffer, (short) 0, (short) LENGTH, buffer, (short) 0);
                assertArrayEquals(text, buffer, "back, call " + call);
            }
        }
    }

    private byte[] bytes(int length) {
        byte[] made = new byte[length];
        random.nextBytes(made);
        return made;
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.Random;
import javacard.security.CryptoException;
import javacard.security.KeyBuilder;
import javacard.security.RSAPublicKey;
import javacardx.crypto.Cipher;
import org.junit.jupiter.api.Test;

/** RSA without padding is a modular power that applets compute with, whatever exponent and modulus. */
class RawRsaTest {

    private static final int LENGTH = 128;

    @Test
    void anyExponentAndModulusGiveTheirPowerInBothModes() {
        Random random = new Random(7);
        RSAPublicKey key =
                (RSAPublicKey) KeyBuilder.buildKey(KeyBuilder.TYPE_RSA_PUBLIC, KeyBuilder.LENGTH_RSA_1024, false);
        Cipher cipher = Cipher.getInstance(Cipher.ALG_RSA_NOPAD, false);
        for (int i = 0; i < 100; i++) {
            BigInteger modulus = new BigInteger(8 * LENGTH, random).setBit(8 * LENGTH - 1);
            BigInteger exponent = BigInteger.valueOf(1 + random.nextInt(5));
            BigInteger base = new BigInteger(8 * LENGTH - 1 - random.nextInt(100), random);
            key.setModulus(Rsa.fixed(modulus, LENGTH), (short) 0, (short) LENGTH);
            key.setExponent(Rsa.fixed(exponent, 1), (short) 0, (short) 1);
            cipher.init(key, i % 2 == 0 ? Cipher.MODE_ENCRYPT : Cipher.MODE_DECRYPT);
            byte[] block = Rsa.fixed(base, LENGTH);
            assertEquals(LENGTH, cipher.doFinal(block, (short) 0, (short) LENGTH, block, (short) 0));
            assertArrayEquals(Rsa.fixed(base.modPow(exponent, modulus), LENGTH), block);
        }
    }

    @Test
    void aBlockOfAnotherLengthOrNotBelowTheModulusIsIllegalUse() {
        RSAPublicKey key =
                (RSAPublicKey) KeyBuilder.buildKey(KeyBuilder.TYPE_RSA_PUBLIC, KeyBuilder.LENGTH_RSA_1024, false);
        byte[] modulus = new byte[LENGTH];
        Arrays.fill(modulus, (byte) 0xC1);
        key.setModulus(modulus, (short) 0, (short) LENGTH);
        key.setExponent(new byte[] {3}, (short) 0, (short) 1);
        Cipher cipher = Cipher.getInstance(Cipher.ALG_RSA_NOPAD, false);
        cipher.init(key, Cipher.MODE_ENCRYPT);
        for (int length : new int[] {LENGTH - 1, LENGTH + 1, LENGTH}) {
            byte[] block = Arrays.copyOf(modulus, length);
            CryptoException thrown = assertThrows(
                    CryptoException.class,
                    () -> cipher.doFinal(block, (short) 0, (short) block.length, new byte[LENGTH], (short) 0),
                    "length " + length);
            assertEquals(CryptoException.ILLEGAL_USE, thrown.getReason());
        }
    }
}

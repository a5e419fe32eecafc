// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.math.BigInteger;
import java.util.Arrays;

/**
 * The RSA primitive over a key's numbers as they are: any exponent, any modulus. Applets use it as a
 * modular power (with exponent 2, with a modulus of their own), so nothing is validated.
 */
final class Rsa {

    private final boolean isPrivate;
    private final int lengthBytes;
    private final BigInteger modulus;
    private final BigInteger exponent;
    private final BigInteger[] crt;

    /** @param crt P, Q, DP1, DQ1 and PQ, or null for modulus and exponent */
    Rsa(boolean isPrivate, int sizeBits, BigInteger modulus, BigInteger exponent, BigInteger[] crt) {
        this.isPrivate = isPrivate;
        this.lengthBytes = (sizeBits + 7) / 8;
        this.modulus = modulus;
        this.exponent = exponent;
        this.crt = crt;
        boolean zero = modulus.signum() == 0 || crt != null && (crt[0].signum() == 0 || crt[1].signum() == 0);
        if (zero) {
            throw Fault.illegalValue();
        }
    }

    boolean isPrivate() {
        return isPrivate;
    }

    /** Of the key object, which is the length of a block. */
    int lengthBytes() {
        return lengthBytes;
    }

    BigInteger modulus() {
        return modulus;
    }

    BigInteger exponent() {
        return exponent;
    }

    /**
     * @param block a number below the modulus, big-endian
     * @return the power, as long as the key's size says
     */
    byte[] apply(byte[] block) {
        BigInteger number = new BigInteger(1, block);
        if (number.compareTo(modulus) >= 0) {
            throw Fault.illegalUse();
        }
        return fixed(power(number), lengthBytes);
    }

    private BigInteger power(BigInteger number) {
        if (crt == null) {
            return number.modPow(exponent, modulus);
        }
        BigInteger atP = number.modPow(crt[2], crt[0]);
        BigInteger atQ = number.modPow(crt[3], crt[1]);
        BigInteger h = atP.subtract(atQ).multiply(crt[4]).mod(crt[0]);
        return h.multiply(crt[1]).add(atQ);
    }

    /** A number in as many bytes as asked, leading zeros and all. */
    static byte[] fixed(BigInteger number, int lengthBytes) {
        byte[] bytes = number.toByteArray();
        if (bytes.length == lengthBytes) {
            return bytes;
        }
        if (bytes.length > lengthBytes) {
            return Arrays.copyOfRange(bytes, bytes.length - lengthBytes, bytes.length);
        }
        byte[] out = new byte[lengthBytes];
        System.arraycopy(bytes, 0, out, lengthBytes - bytes.length, bytes.length);
        return out;
    }
}

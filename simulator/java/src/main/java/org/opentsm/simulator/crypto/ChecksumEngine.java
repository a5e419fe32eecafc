// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import javacard.security.Checksum;

/** ISO/IEC 3309 checksums over most significant bits first, the result complemented. */
public final class ChecksumEngine extends Checksum {

    private static final int POLYNOMIAL_16 = 0x1021;
    private static final int POLYNOMIAL_32 = 0x04C11DB7;

    private final byte algorithm;
    private transient int value;
    private transient long resets;

    private ChecksumEngine(byte algorithm) {
        this.algorithm = algorithm;
    }

    /** @throws javacard.security.CryptoException NO_SUCH_ALGORITHM */
    public static ChecksumEngine make(byte algorithm) {
        if (algorithm != ALG_ISO3309_CRC16 && algorithm != ALG_ISO3309_CRC32) {
            throw Fault.noSuchAlgorithm();
        }
        return new ChecksumEngine(algorithm);
    }

    private int lengthBytes() {
        return algorithm == ALG_ISO3309_CRC16 ? 2 : 4;
    }

    @Override
    public byte getAlgorithm() {
        return algorithm;
    }

    @Override
    public void init(byte[] in, short offset, short length) {
        if (length != lengthBytes()) {
            throw Fault.illegalValue();
        }
        Fault.checkSpan(in, offset, length);
        value = 0;
        for (int i = 0; i < length; i++) {
            value = value << 8 | in[offset + i] & 0xFF;
        }
        resets = CryptoHost.current().resets();
    }

    @Override
    public void update(byte[] in, short offset, short length) {
        Fault.checkSpan(in, offset, length);
        long now = CryptoHost.current().resets();
        if (resets != now) {
            resets = now;
            value = 0;
        }
        int bits = 8 * lengthBytes();
        int polynomial = bits == 16 ? POLYNOMIAL_16 : POLYNOMIAL_32;
        for (int i = offset; i < offset + length; i++) {
            value ^= in[i] << bits - 8;
            for (int bit = 0; bit < 8; bit++) {
                value = (value >>> bits - 1 & 1) != 0 ? value << 1 ^ polynomial : value << 1;
            }
        }
    }

    @Override
    public short doFinal(byte[] in, short inOffset, short inLength, byte[] out, short outOffset) {
        update(in, inOffset, inLength);
        byte[] result = new byte[lengthBytes()];
        for (int i = 0; i < result.length; i++) {
            result[i] = (byte) (~value >> 8 * (result.length - 1 - i));
        }
        value = 0;
        return Fault.give(CryptoHost.current(), result, out, outOffset);
    }
}

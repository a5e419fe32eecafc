// SPDX-License-Identifier: Apache-2.0
package javacard.security;

import org.opentsm.simulator.crypto.ChecksumEngine;

/** A checksum. */
public abstract class Checksum {

    public static final byte ALG_ISO3309_CRC16 = 1;
    public static final byte ALG_ISO3309_CRC32 = 2;

    public static Checksum getInstance(byte algorithm, boolean externalAccess) {
        return ChecksumEngine.make(algorithm);
    }

    protected Checksum() {}

    public abstract void init(byte[] buffer, short offset, short length);

    public abstract byte getAlgorithm();

    public abstract short doFinal(byte[] in, short inOffset, short inLength, byte[] out, short outOffset);

    public abstract void update(byte[] buffer, short offset, short length);
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.security.RandomData;

/** Serves given bytes, then fails: a domain draws no more than the transcript has. */
final class ListedRandom extends RandomData {
    private final byte[] bytes;
    private int at;

    ListedRandom(byte[] bytes) {
        this.bytes = bytes;
    }

    @Override
    public void generateData(byte[] buffer, short offset, short length) {
        System.arraycopy(bytes, at, buffer, offset, length);
        at += length;
    }

    @Override
    public short nextBytes(byte[] buffer, short offset, short length) {
        generateData(buffer, offset, length);
        return (short) (offset + length);
    }

    @Override
    public byte getAlgorithm() {
        return ALG_SECURE_RANDOM;
    }

    @Override
    public void setSeed(byte[] buffer, short offset, short length) {}
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import javacard.security.AESKey;
import javacard.security.DESKey;
import javacard.security.GenericSecretKey;
import javacard.security.HMACKey;
import javacard.security.KoreanSEEDKey;
import javacard.security.SM4Key;

/** A secret of bytes. */
public abstract class SymmetricKey extends CardKey {

    private final Component secret;

    private SymmetricKey(byte type, int sizeBits, int maxLengthBytes, byte memoryType) {
        super(type, sizeBits, memoryType);
        secret = secret(maxLengthBytes);
    }

    final byte[] bytes() {
        return secret.bytes();
    }

    @Override
    final Component[] components() {
        return new Component[] {secret};
    }

    /** A key as long as its size says. */
    public final void setKey(byte[] keyData, short offset) {
        byte[] value = plain(keyData, offset, secret.maxLength());
        if (value.length != secret.maxLength()) {
            throw Fault.illegalValue();
        }
        secret.set(value);
    }

    /** A key of any length up to the longest this object holds. */
    public final void setKey(byte[] keyData, short offset, short length) {
        if (length < 1 || length > secret.maxLength()) {
            throw Fault.illegalValue();
        }
        secret.set(plain(keyData, offset, length));
    }

    /** Takes a derived secret, which is as long as the object or shorter. */
    final void take(byte[] value) {
        if (value.length < 1 || value.length > secret.maxLength()) {
            throw Fault.illegalValue();
        }
        secret.set(value);
    }

    final int maxLength() {
        return secret.maxLength();
    }

    final short copy(byte[] keyData, short offset) {
        return secret.get(keyData, offset);
    }

    static final class Des extends SymmetricKey implements DESKey {
        Des(byte type, int sizeBits, byte memoryType) {
            super(type, sizeBits, sizeBits / 8, memoryType);
        }

        @Override
        public byte getKey(byte[] keyData, short offset) {
            return (byte) copy(keyData, offset);
        }
    }

    static final class Aes extends SymmetricKey implements AESKey {
        Aes(byte type, int sizeBits, byte memoryType) {
            super(type, sizeBits, sizeBits / 8, memoryType);
        }

        @Override
        public byte getKey(byte[] keyData, short offset) {
            return (byte) copy(keyData, offset);
        }
    }

    static final class Seed extends SymmetricKey implements KoreanSEEDKey {
        Seed(byte type, int sizeBits, byte memoryType) {
            super(type, sizeBits, sizeBits / 8, memoryType);
        }

        @Override
        public byte getKey(byte[] keyData, short offset) {
            return (byte) copy(keyData, offset);
        }
    }

    static final class Sm4 extends SymmetricKey implements SM4Key {
        Sm4(byte type, int sizeBits, byte memoryType) {
            super(type, sizeBits, sizeBits / 8, memoryType);
        }

        @Override
        public byte getKey(byte[] keyData, short offset) {
            return (byte) copy(keyData, offset);
        }
    }

    static final class Hmac extends SymmetricKey implements HMACKey {
        /** What getKey() can answer in a byte. */
        private static final int MAX_LENGTH = 255;

        Hmac(byte type, int sizeBits, byte memoryType) {
            super(type, sizeBits, MAX_LENGTH, memoryType);
        }

        @Override
        public byte getKey(byte[] keyData, short offset) {
            return (byte) copy(keyData, offset);
        }
    }

    static final class Generic extends SymmetricKey implements GenericSecretKey {
        Generic(byte type, int sizeBits, byte memoryType) {
            super(type, sizeBits, (sizeBits + 7) / 8, memoryType);
        }

        @Override
        public short getKey(byte[] keyData, short offset) {
            return copy(keyData, offset);
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** What a signature that carries a part of the message adds, ISO 9796-2. */
public interface SignatureMessageRecovery {

    void init(Key key, byte value);

    short beginVerify(byte[] buffer, short offset, short length);

    short sign(
            byte[] in,
            short inOffset,
            short inLength,
            byte[] out,
            short outOffset,
            short[] recovered,
            short recoveredOffset);

    boolean verify(byte[] buffer, short offset, short length);

    byte getAlgorithm();

    short getLength();

    void update(byte[] buffer, short offset, short length);
}

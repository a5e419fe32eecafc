// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import javacard.security.CryptoException;

/** The exceptions of the Java Card API, and the checks that raise them. */
final class Fault {

    private static final byte[] NONE = new byte[0];

    private Fault() {}

    static CryptoException illegalValue() {
        return new CryptoException(CryptoException.ILLEGAL_VALUE);
    }

    static CryptoException illegalUse() {
        return new CryptoException(CryptoException.ILLEGAL_USE);
    }

    static CryptoException uninitializedKey() {
        return new CryptoException(CryptoException.UNINITIALIZED_KEY);
    }

    static CryptoException noSuchAlgorithm() {
        return new CryptoException(CryptoException.NO_SUCH_ALGORITHM);
    }

    static CryptoException invalidInit() {
        return new CryptoException(CryptoException.INVALID_INIT);
    }

    /** The span must lie in the array, as for every array access of the language. */
    static void checkSpan(byte[] array, int offset, int length) {
        if (offset < 0 || length < 0 || offset + length > array.length) {
            throw new ArrayIndexOutOfBoundsException(offset + length);
        }
    }

    /** What goes into an engine: applets that have nothing left for the last call give null, at 0 and of no length. */
    static byte[] input(byte[] array, int offset, int length) {
        if (array == null && offset == 0 && length == 0) {
            return NONE;
        }
        checkSpan(array, offset, length);
        return array;
    }

    /** Copies a result out and answers its length. */
    static short give(CryptoHost host, byte[] result, byte[] out, int offset) {
        checkSpan(out, offset, result.length);
        host.writing(out);
        System.arraycopy(result, 0, out, offset, result.length);
        return (short) result.length;
    }
}

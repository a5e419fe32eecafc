// SPDX-License-Identifier: Apache-2.0
package org.opentsm.purse;

/** Unsigned numbers of four bytes, big-endian, in arrays: a card need not have int. */
final class Amount {

    private Amount() {}

    /** Adds four bytes of {@code b} to those of {@code a}; true when the sum has no room. */
    static boolean add(byte[] a, short aOffset, byte[] b, short bOffset) {
        short carry = (short) 0;
        for (short i = (short) (Spec.AMOUNT - 1); i >= 0; i--) {
            short sum = (short)
                    ((short) (a[(short) (aOffset + i)] & 0xFF) + (short) (b[(short) (bOffset + i)] & 0xFF) + carry);
            a[(short) (aOffset + i)] = (byte) sum;
            carry = (short) (sum >> 8);
        }
        return carry != 0;
    }

    /** Subtracts four bytes of {@code b} from those of {@code a}; true when {@code b} was larger. */
    static boolean subtract(byte[] a, short aOffset, byte[] b, short bOffset) {
        short borrow = (short) 0;
        for (short i = (short) (Spec.AMOUNT - 1); i >= 0; i--) {
            short rest = (short)
                    ((short) (a[(short) (aOffset + i)] & 0xFF) - (short) (b[(short) (bOffset + i)] & 0xFF) - borrow);
            a[(short) (aOffset + i)] = (byte) rest;
            borrow = (short) (rest < 0 ? 1 : 0);
        }
        return borrow != 0;
    }

    static boolean isGreater(byte[] a, short aOffset, byte[] b, short bOffset) {
        for (short i = (short) 0; i < Spec.AMOUNT; i++) {
            short left = (short) (a[(short) (aOffset + i)] & 0xFF);
            short right = (short) (b[(short) (bOffset + i)] & 0xFF);
            if (left != right) {
                return left > right;
            }
        }
        return false;
    }
}

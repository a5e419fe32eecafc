// SPDX-License-Identifier: Apache-2.0
package org.example.openpgp;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/** A value of bounded length, replaced in one transaction. */
class DataObject {
    final short tag;
    private final byte[] value;
    private short length;

    DataObject(short tag, short capacity) {
        this.tag = tag;
        value = new byte[capacity];
    }

    boolean mayWrite(boolean userVerified, boolean adminVerified) {
        return adminVerified;
    }

    void write(byte[] from, short offset, short count) {
        if (count < 0 || count > value.length) {
            ISOException.throwIt(ISO7816.SW_WRONG_LENGTH);
        }
        JCSystem.beginTransaction();
        try {
            Util.arrayCopy(from, offset, value, (short) 0, count);
            length = count;
            JCSystem.commitTransaction();
        } finally {
            if (JCSystem.getTransactionDepth() != 0) {
                JCSystem.abortTransaction();
            }
        }
    }

    short read(byte[] to, short offset) {
        return Util.arrayCopyNonAtomic(value, (short) 0, to, offset, length);
    }

    /** Writable by the user too. */
    static final class OfUser extends DataObject {
        OfUser(short tag, short capacity) {
            super(tag, capacity);
        }

        boolean mayWrite(boolean userVerified, boolean adminVerified) {
            return userVerified || super.mayWrite(userVerified, adminVerified);
        }
    }
}

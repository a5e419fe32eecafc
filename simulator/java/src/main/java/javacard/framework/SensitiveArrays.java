// SPDX-License-Identifier: Apache-2.0
package javacard.framework;

import java.lang.reflect.Array;
import org.opentsm.simulator.crypto.IntegrityMarks;

/** Arrays with a check of their integrity, since 3.0.5. Nothing disturbs memory here, so the check always holds. */
public class SensitiveArrays {

    private SensitiveArrays() {}

    public static boolean isIntegritySensitiveArraysSupported() {
        return true;
    }

    public static boolean isIntegritySensitive(Object obj) {
        return IntegrityMarks.isMarked(obj);
    }

    /** @throws SystemException ILLEGAL_VALUE when the array is not integrity-sensitive */
    public static void assertIntegrity(Object obj) {
        if (!IntegrityMarks.isMarked(obj)) {
            throw new SystemException(SystemException.ILLEGAL_VALUE);
        }
    }

    /**
     * @param type JCSystem.ARRAY_TYPE_BOOLEAN, BYTE, SHORT, INT or OBJECT
     * @param memory JCSystem.MEMORY_TYPE_PERSISTENT, TRANSIENT_RESET or TRANSIENT_DESELECT
     * @throws SystemException ILLEGAL_VALUE for another type or memory
     */
    public static Object makeIntegritySensitiveArray(byte type, byte memory, short length) {
        return IntegrityMarks.mark(IntegrityMarks.make(type, memory, length));
    }

    /**
     * @return the number of elements cleared @throws SystemException ILLEGAL_VALUE when the array is not
     *     integrity-sensitive
     */
    public static short clearArray(Object obj) {
        assertIntegrity(obj);
        IntegrityMarks.clear(obj);
        return (short) Array.getLength(obj);
    }
}

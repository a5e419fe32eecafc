// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import com.licel.jcardsim.base.SimulatorSystem;
import com.licel.jcardsim.base.TransientMemory;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import java.util.WeakHashMap;
import javacard.framework.JCSystem;
import javacard.framework.SystemException;

/** Which arrays an applet made integrity-sensitive; a saved card keeps the mark. */
public final class IntegrityMarks {

    // Arrays have identity hash and equality, which is what a map of memory needs.
    private static final Map<Object, Boolean> MARKED = Collections.synchronizedMap(new WeakHashMap<>());

    private IntegrityMarks() {}

    public static boolean isMarked(Object array) {
        return array != null && MARKED.containsKey(array);
    }

    public static Object mark(Object array) {
        MARKED.put(array, true);
        return array;
    }

    /** @throws SystemException ILLEGAL_VALUE for another type or memory */
    public static Object make(byte type, byte memory, short length) {
        boolean lasting = memory == JCSystem.MEMORY_TYPE_PERSISTENT;
        if (!lasting
                && memory != JCSystem.MEMORY_TYPE_TRANSIENT_RESET
                && memory != JCSystem.MEMORY_TYPE_TRANSIENT_DESELECT) {
            throw new SystemException(SystemException.ILLEGAL_VALUE);
        }
        TransientMemory ram = SimulatorSystem.instance().getTransientMemory();
        byte event =
                memory == JCSystem.MEMORY_TYPE_TRANSIENT_RESET ? JCSystem.CLEAR_ON_RESET : JCSystem.CLEAR_ON_DESELECT;
        return switch (type) {
            case JCSystem.ARRAY_TYPE_BOOLEAN -> lasting ? new boolean[length] : ram.makeBooleanArray(length, event);
            case JCSystem.ARRAY_TYPE_BYTE -> lasting ? new byte[length] : ram.makeByteArray(length, event);
            case JCSystem.ARRAY_TYPE_SHORT -> lasting ? new short[length] : ram.makeShortArray(length, event);
            case JCSystem.ARRAY_TYPE_INT ->
                lasting ? new int[length] : CryptoHost.current().makeTransientInts(length, event);
            case JCSystem.ARRAY_TYPE_OBJECT -> lasting ? new Object[length] : ram.makeObjectArray(length, event);
            default -> throw new SystemException(SystemException.ILLEGAL_VALUE);
        };
    }

    public static void clear(Object array) {
        CryptoHost.current().writing(array);
        if (array instanceof byte[] bytes) {
            Arrays.fill(bytes, (byte) 0);
        } else if (array instanceof boolean[] flags) {
            Arrays.fill(flags, false);
        } else if (array instanceof short[] shorts) {
            Arrays.fill(shorts, (short) 0);
        } else if (array instanceof int[] ints) {
            Arrays.fill(ints, 0);
        } else {
            Arrays.fill((Object[]) array, null);
        }
    }
}

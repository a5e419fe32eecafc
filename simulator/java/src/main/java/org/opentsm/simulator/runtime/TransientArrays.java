package org.opentsm.simulator.runtime;

import com.licel.jcardsim.base.TransientMemory;
import java.util.Arrays;
import java.util.Map;
import java.util.WeakHashMap;
import javacard.framework.JCSystem;
import javacard.framework.SystemException;

/**
 * A card's RAM arrays. jCardSim keeps them in a list for ever and its ciphers make a new one at
 * each init(), so the list grows without end and isTransient() scans it; here the map is weak.
 */
public final class TransientArrays extends TransientMemory {

    // Arrays have identity hash and equality, which is what a map of memory needs.
    private final Map<Object, Byte> events = new WeakHashMap<>();

    @Override
    public byte isTransient(Object array) {
        Byte event = events.get(array);
        return event == null ? JCSystem.NOT_A_TRANSIENT_OBJECT : event;
    }

    @Override
    protected void storeArray(Object array, byte event) {
        if (event != JCSystem.CLEAR_ON_RESET && event != JCSystem.CLEAR_ON_DESELECT) {
            SystemException.throwIt(SystemException.ILLEGAL_VALUE);
        }
        events.put(array, event);
    }

    /** The integer extension's. */
    public int[] makeIntArray(short length, byte event) {
        int[] array = new int[length];
        storeArray(array, event);
        return array;
    }

    @Override
    public void clearOnDeselect() {
        events.forEach((array, event) -> {
            if (event == JCSystem.CLEAR_ON_DESELECT) {
                clear(array);
            }
        });
    }

    @Override
    public void clearOnReset() {
        events.keySet().forEach(TransientArrays::clear);
    }

    @Override
    protected void forgetBuffers() {
        clearOnReset();
        events.clear();
    }

    static void clear(Object array) {
        if (array instanceof byte[] bytes) {
            Arrays.fill(bytes, (byte) 0);
        } else if (array instanceof short[] shorts) {
            Arrays.fill(shorts, (short) 0);
        } else if (array instanceof boolean[] booleans) {
            Arrays.fill(booleans, false);
        } else if (array instanceof int[] ints) {
            Arrays.fill(ints, 0);
        } else if (array instanceof Object[] objects) {
            Arrays.fill(objects, null);
        }
    }
}

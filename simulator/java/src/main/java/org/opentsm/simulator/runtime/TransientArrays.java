// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import com.licel.jcardsim.base.TransientMemory;
import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import javacard.framework.AID;
import javacard.framework.JCSystem;
import javacard.framework.SystemException;

/**
 * A card's RAM arrays. jCardSim keeps them in a list for ever and its ciphers make a new one at
 * each init(), so the list grows without end and isTransient() scans it; here the map is weak.
 */
public final class TransientArrays extends TransientMemory {

    private static final byte NOISE = (byte) 0xA5;

    // Arrays have identity hash and equality, which is what a map of memory needs.
    private final Map<Object, Ram> arrays = new WeakHashMap<>();
    private Supplier<AID> active = () -> null;
    private Predicate<AID> selected = group -> true;
    private MemoryAccounts memory;
    /** A power of two. */
    private static final int SLOTS = 64;
    /** What was asked for lately, and what was answered: each store to an array asks. */
    private final Object[] asked = new Object[SLOTS];

    private final Ram[] answered = new Ram[SLOTS];

    /** @param group load file whose context made the array; null for the runtime's */
    private record Ram(byte event, AID group, boolean global) {}

    /**
     * @param group      answers whose context is active
     * @param isSelected whether that context is the selected applet's, which alone has RAM of CLEAR_ON_DESELECT
     */
    void belongTo(Supplier<AID> group, Predicate<AID> isSelected) {
        active = group;
        selected = isSelected;
    }

    /** Says where RAM is counted. */
    void countIn(MemoryAccounts accounts) {
        memory = accounts;
    }

    /** Load file whose context made the array; null for the runtime's, and for what is no RAM. */
    public AID group(Object array) {
        Ram ram = find(array);
        return ram == null ? null : ram.group;
    }

    /** An array of the runtime's that every context may use and none may keep, JCRE 3.0.4 6.2.2. */
    void makeGlobal(Object array) {
        put(array, new Ram(JCSystem.CLEAR_ON_RESET, null, true));
    }

    boolean isGlobal(Object array) {
        Ram ram = array.getClass().isArray() ? find(array) : null;
        return ram != null && ram.global;
    }

    @Override
    public Object makeGlobalArray(byte type, short length) {
        Object made = type == JCSystem.ARRAY_TYPE_INT
                ? makeIntArray(length, JCSystem.CLEAR_ON_RESET)
                : super.makeGlobalArray(type, length);
        makeGlobal(made);
        return made;
    }

    /** Of a saved card. */
    public void setGroup(Object array, AID group) {
        Ram ram = arrays.get(array);
        if (ram != null) {
            put(array, new Ram(ram.event, group, ram.global));
        }
    }

    private Ram find(Object array) {
        int slot = System.identityHashCode(array) & SLOTS - 1;
        if (asked[slot] != array) {
            answered[slot] = arrays.get(array);
            asked[slot] = array;
        }
        return answered[slot];
    }

    private void put(Object array, Ram ram) {
        Arrays.fill(asked, null);
        arrays.put(array, ram);
    }

    @Override
    public byte isTransient(Object array) {
        Ram ram = find(array);
        return ram == null ? JCSystem.NOT_A_TRANSIENT_OBJECT : ram.event;
    }

    @Override
    protected void storeArray(Object array, byte event) {
        if (event != JCSystem.CLEAR_ON_RESET && event != JCSystem.CLEAR_ON_DESELECT) {
            SystemException.throwIt(SystemException.ILLEGAL_VALUE);
        }
        AID group = active.get();
        if (event == JCSystem.CLEAR_ON_DESELECT && group != null && !selected.test(group)) {
            SystemException.throwIt(SystemException.ILLEGAL_TRANSIENT);
        }
        if (memory != null) {
            memory.allocateTransient(
                    Array.getLength(array)
                            * MemoryAccounts.elementSize(array.getClass().getComponentType()),
                    event);
        }
        put(array, new Ram(event, group, false));
    }

    /** The integer extension's. */
    public int[] makeIntArray(short length, byte event) {
        int[] array = new int[length];
        storeArray(array, event);
        return array;
    }

    @Override
    public void clearOnDeselect() {
        clearOnDeselect(null);
    }

    /** The applets of a load file are deselected on all channels; null for those of every one. */
    void clearOnDeselect(AID group) {
        arrays.forEach((array, ram) -> {
            if (ram.event == JCSystem.CLEAR_ON_DESELECT
                    && (group == null || ram.group == null || ram.group.equals(group))) {
                clear(array);
            }
        });
    }

    /** Puts noise into the CLEAR_ON_DESELECT byte arrays of a load file, which nobody may use now. */
    void disturb(AID group) {
        outOfReach(group).forEach(bytes -> Arrays.fill(bytes, NOISE));
    }

    /** True when something was stored into such an array since {@link #disturb}. */
    boolean wereTouched(AID group) {
        return outOfReach(group).stream()
                .anyMatch(bytes -> IntStream.range(0, bytes.length).anyMatch(i -> bytes[i] != NOISE));
    }

    private List<byte[]> outOfReach(AID group) {
        List<byte[]> found = new ArrayList<>();
        arrays.forEach((array, ram) -> {
            if (ram.event == JCSystem.CLEAR_ON_DESELECT && array instanceof byte[] bytes && group.equals(ram.group)) {
                found.add(bytes);
            }
        });
        return found;
    }

    @Override
    public void clearOnReset() {
        arrays.keySet().forEach(TransientArrays::clear);
    }

    @Override
    protected void forgetBuffers() {
        clearOnReset();
        Arrays.fill(asked, null);
        arrays.clear();
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

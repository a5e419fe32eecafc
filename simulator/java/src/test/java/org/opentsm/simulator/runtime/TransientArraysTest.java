// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.ref.WeakReference;
import javacard.framework.JCSystem;
import javacard.framework.SystemException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class TransientArraysTest {

    private final TransientArrays memory = new TransientArrays();

    @Test
    void arraysAreClearedByTheirEvent() {
        byte[] onReset = memory.makeByteArray(2, JCSystem.CLEAR_ON_RESET);
        short[] onDeselect = memory.makeShortArray((short) 2, JCSystem.CLEAR_ON_DESELECT);
        Object[] objects = memory.makeObjectArray((short) 1, JCSystem.CLEAR_ON_DESELECT);
        onReset[0] = 1;
        onDeselect[0] = 1;
        objects[0] = this;
        memory.clearOnDeselect();
        assertArrayEquals(new byte[] {1, 0}, onReset);
        assertArrayEquals(new short[2], onDeselect);
        assertNull(objects[0]);
        onDeselect[1] = 7;
        memory.clearOnReset();
        assertArrayEquals(new byte[2], onReset);
        assertArrayEquals(new short[2], onDeselect);
    }

    @Test
    void arraysOfEqualContentAreNotTheSame() {
        byte[] array = memory.makeByteArray(2, JCSystem.CLEAR_ON_RESET);
        assertEquals(JCSystem.CLEAR_ON_RESET, memory.isTransient(array));
        assertEquals(JCSystem.NOT_A_TRANSIENT_OBJECT, memory.isTransient(new byte[2]));
        assertThrows(SystemException.class, () -> memory.makeByteArray(2, (byte) 3));
    }

    /** jCardSim's ciphers make an array at each init(): one that nobody holds must go. */
    @Test
    @Timeout(30)
    void arraysNobodyHoldsAreCollected() {
        WeakReference<byte[]> dropped = new WeakReference<>(memory.makeByteArray(1024, JCSystem.CLEAR_ON_DESELECT));
        while (dropped.get() != null) {
            System.gc();
        }
        assertNull(dropped.get());
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import uicc.toolkit.BERTLVEditHandler;
import uicc.toolkit.ToolkitException;

/** Handlers that an application makes for itself; ETSI TS 102 241 annex A, BERTLVEditHandler. */
class BuiltHandlerTest {

    private static final byte BER_EDIT = 2;

    private static BERTLVEditHandler handler(int capacity) {
        return (BERTLVEditHandler) BuiltHandler.make(BER_EDIT, (short) capacity, new byte[0]);
    }

    private static void refused(int reason, Executable call) {
        assertEquals(reason, assertThrows(ToolkitException.class, call).getReason());
    }

    @Test
    void holdsAsMuchAsItsCapacity() {
        BERTLVEditHandler handler = handler(0x10);
        assertEquals(0x10, handler.getCapacity());
        handler.appendTLV((byte) 0x0D, new byte[0x0E], (short) 0, (short) 0x0E);
        refused(ToolkitException.HANDLER_OVERFLOW, () -> handler.appendTLV((byte) 0x0D, (byte) 0));
        handler.clear();
        refused(
                ToolkitException.HANDLER_OVERFLOW,
                () -> handler.appendTLV((byte) 0x0D, new byte[0x0F], (short) 0, (short) 0x0F));
        assertEquals(0, handler.getLength());
    }

    @Test
    void hasATagAndASizeWithIt() {
        BERTLVEditHandler handler = handler(0x114);
        handler.setTag((byte) 0x01);
        assertEquals(0x01, handler.getTag());
        int[][] sizes = {{0x22, 0x24}, {0x7F, 0x81}, {0x80, 0x83}, {0xFF, 0x102}, {0x100, 0x104}, {0x110, 0x114}};
        for (int[] size : sizes) {
            handler.clear();
            handler.appendArray(new byte[0x114], (short) 0, (short) size[0]);
            assertEquals(size[1], handler.getSize());
        }
    }

    @Test
    void looksAtTheArrayThenTheValueThenTheRoom() {
        BERTLVEditHandler handler = handler(0x100);
        byte[] value = new byte[256];
        assertThrows(NullPointerException.class, () -> handler.appendTLV((byte) 0x0D, null, (short) 0, (short) 0));
        assertThrows(
                ArrayIndexOutOfBoundsException.class,
                () -> handler.appendTLV((byte) 0x0D, value, (short) 257, (short) 0));
        handler.appendArray(value, (short) 0, (short) 256);
        refused(
                ToolkitException.BAD_INPUT_PARAMETER,
                () -> handler.appendTLV((byte) 0x0D, value, (short) 0, (short) 256));
        refused(
                ToolkitException.BAD_INPUT_PARAMETER,
                () -> handler.appendTLV((byte) 0x0D, value, (short) 0, (short) 1, value, (short) 0, (short) 255));
        refused(ToolkitException.HANDLER_OVERFLOW, () -> handler.appendTLV((byte) 0x0D, value, (short) 0, (short) 255));
    }

    @Test
    void keepsTheCurrentElementUntilItIsCleared() {
        BERTLVEditHandler handler = handler(0x100);
        handler.appendTLV((byte) 0x81, new byte[3], (short) 0, (short) 3);
        handler.findTLV((byte) 0x01, (byte) 1);
        handler.appendTLV((byte) 0x04, new byte[8], (short) 0, (short) 8);
        assertEquals(3, handler.getValueLength());
        handler.clear();
        refused(ToolkitException.UNAVAILABLE_ELEMENT, handler::getValueLength);
    }
}

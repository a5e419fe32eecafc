// SPDX-License-Identifier: Apache-2.0
package uicc.system;

import org.opentsm.simulator.toolkit.BuiltHandler;
import uicc.toolkit.ViewHandler;

/** Makes handlers of an application's own; ETSI TS 102 241 annex A. */
public final class HandlerBuilder {

    public static final byte EDIT_HANDLER = 1;
    public static final byte BER_EDIT_HANDLER = 2;

    private HandlerBuilder() {}

    /**
     * @param capacity bytes of TLV objects it can hold; SystemException ILLEGAL_VALUE below zero, and for a type that
     *     is not known
     */
    public static ViewHandler buildTLVHandler(byte type, short capacity) {
        return BuiltHandler.make(type, capacity, new byte[0]);
    }

    /** With TLV objects in it from the start. */
    public static ViewHandler buildTLVHandler(byte type, short capacity, byte[] from, short offset, short length) {
        if (offset < 0 || length < 0 || offset > from.length - length) {
            throw new ArrayIndexOutOfBoundsException();
        }
        return BuiltHandler.make(type, capacity, java.util.Arrays.copyOfRange(from, offset, offset + length));
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import javacard.framework.SystemException;
import uicc.toolkit.BERTLVEditHandler;
import uicc.toolkit.ToolkitException;
import uicc.toolkit.ViewHandler;

/**
 * A handler that an application made for itself: card memory that is its own. ETSI TS 102 241 annex A, HandlerBuilder.
 */
public final class BuiltHandler {

    private static final byte EDIT = 1;
    private static final byte BER_EDIT = 2;

    private BuiltHandler() {}

    /**
     * @throws SystemException  ILLEGAL_VALUE for another type, or a capacity below zero
     * @throws ToolkitException HANDLER_OVERFLOW when the content does not fit
     */
    public static ViewHandler make(byte type, short capacity, byte[] from) {
        if (type != EDIT && type != BER_EDIT || capacity < 0) {
            SystemException.throwIt(SystemException.ILLEGAL_VALUE);
        }
        if (from.length > capacity) {
            throw Face.UICC.fault(ToolkitException.HANDLER_OVERFLOW);
        }
        Content content = new Content(capacity);
        content.set(from);
        return type == EDIT ? new TlvEdit(content, Face.UICC) : new BerEdit(content);
    }

    /** Its tag too can be set. */
    private static final class BerEdit extends TlvEdit implements BERTLVEditHandler {
        BerEdit(Content content) {
            super(content, Face.UICC);
        }
    }
}

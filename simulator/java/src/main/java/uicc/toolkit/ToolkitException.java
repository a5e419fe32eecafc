// SPDX-License-Identifier: Apache-2.0
package uicc.toolkit;

import javacard.framework.CardRuntimeException;

/** What went wrong in the toolkit, by reason; ETSI TS 102 241 annex A. */
public class ToolkitException extends CardRuntimeException {

    public static final short HANDLER_OVERFLOW = 1;
    public static final short HANDLER_NOT_AVAILABLE = 2;
    public static final short UNAVAILABLE_ELEMENT = 3;
    public static final short MENU_ENTRY_NOT_FOUND = 4;
    public static final short REGISTRY_ERROR = 5;
    public static final short EVENT_NOT_SUPPORTED = 6;
    public static final short EVENT_ALREADY_REGISTERED = 7;
    public static final short OUT_OF_TLV_BOUNDARIES = 8;
    public static final short TERMINAL_PROFILE_NOT_AVAILABLE = 9;
    public static final short ALLOWED_LENGTH_EXCEEDED = 10;
    public static final short NO_TIMER_AVAILABLE = 11;
    public static final short INVALID_TIMER_ID = 12;
    public static final short EVENT_NOT_ALLOWED = 13;
    public static final short BAD_INPUT_PARAMETER = 14;
    public static final short COMMAND_NOT_ALLOWED = 15;
    public static final short NO_SERVICE_ID_AVAILABLE = 16;
    public static final short INVALID_SERVICE_ID = 17;
    public static final short TAR_NOT_DEFINED = 18;

    public ToolkitException(short reason) {
        super(reason);
    }

    public static void throwIt(short reason) {
        throw new ToolkitException(reason);
    }
}

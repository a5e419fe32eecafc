// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

/** Reasons of ToolkitException; of uicc.toolkit and sim.toolkit alike unless said otherwise. */
public final class Fault {

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
    /** Of uicc.toolkit alone. */
    public static final short NO_SERVICE_ID_AVAILABLE = 16;

    public static final short INVALID_SERVICE_ID = 17;

    private Fault() {}

    /** Which API's exception a caller gets. */
    public enum Face {
        UICC,
        SIM;

        /** @return never; declared so that callers can throw it */
        public RuntimeException fault(short reason) {
            if (this == SIM) {
                sim.toolkit.ToolkitException.throwIt(reason);
            }
            uicc.toolkit.ToolkitException.throwIt(reason);
            return new IllegalStateException();
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

/**
 * Numbers of events, which uicc.toolkit, uicc.usim.toolkit and sim.toolkit share; ETSI TS 102 241 5.3, 3GPP TS 31.130
 * 5.3.
 */
public final class Events {

    public static final short PROFILE_DOWNLOAD = 1;
    public static final short FORMATTED_SMS_PP_ENV = 2;
    public static final short FORMATTED_SMS_PP_UPD = 3;
    public static final short UNFORMATTED_SMS_PP_ENV = 4;
    public static final short UNFORMATTED_SMS_PP_UPD = 5;
    public static final short UNFORMATTED_SMS_CB = 6;
    public static final short MENU_SELECTION = 7;
    public static final short MENU_SELECTION_HELP_REQUEST = 8;
    public static final short CALL_CONTROL = 9;
    public static final short MO_SHORT_MESSAGE_CONTROL = 10;
    public static final short TIMER_EXPIRATION = 11;
    public static final short STATUS_COMMAND = 19;
    public static final short DATA_AVAILABLE = 22;
    public static final short CHANNEL_STATUS = 23;
    public static final short FORMATTED_SMS_CB = 24;
    public static final short LOCAL_CONNECTION = 27;
    public static final short FORMATTED_USSD = 121;
    public static final short UNFORMATTED_USSD = 122;
    public static final short PROACTIVE_HANDLER_AVAILABLE = 123;
    public static final short EXTERNAL_FILE_UPDATE = 124;
    public static final short APPLICATION_DESELECT = 126;
    public static final short FIRST_COMMAND_AFTER_ATR = 127;
    public static final short UNRECOGNIZED_ENVELOPE = -1;
    /** To remote management alone: the application whose packet it opened has answered (applet/README.md 12.1). */
    public static final short PACKET_ANSWERED = -2;

    /** Toolkit event by the byte of an event list (TS 102 223 8.25), 0 where none is: -1 would be an event. */
    private static final byte[] DOWNLOADS = {
        12, 13, 14, 15, 16, 17, 18, 20, 21, 22, 23, 25, 26, 27, 28, 29, 30, 0, 31, 32, 33, 0, 0, 119, 120, 0, 0, 0, 0,
        37
    };

    private Events() {}

    /** The toolkit event of an event download, 0 for an unknown one. */
    static short ofDownload(int listed) {
        return listed >= 0 && listed < DOWNLOADS.length ? DOWNLOADS[listed] : 0;
    }

    /** Its byte in an event list, or -1 for an event that is no download. */
    static int inList(short event) {
        for (int i = 0; i < DOWNLOADS.length; i++) {
            if (DOWNLOADS[i] == event) {
                return i;
            }
        }
        return -1;
    }

    static boolean isKnown(short event) {
        boolean numbered = event >= 1 && event <= 37
                || event >= 119 && event <= 124
                || event == APPLICATION_DESELECT
                || event == FIRST_COMMAND_AFTER_ATR;
        return event == UNRECOGNIZED_ENVELOPE || numbered && event != 34 && event != 35 && event != 36;
    }

    /** True for what comes with a registration of its own: menu entries, timers, polling, files, services. */
    static boolean isImplied(short event) {
        return switch (event) {
            case MENU_SELECTION,
                    MENU_SELECTION_HELP_REQUEST,
                    TIMER_EXPIRATION,
                    STATUS_COMMAND,
                    EXTERNAL_FILE_UPDATE,
                    LOCAL_CONNECTION -> true;
            default -> false;
        };
    }

    /** True for an event that one application at a time may have. */
    static boolean isExclusive(short event) {
        return event == CALL_CONTROL || event == MO_SHORT_MESSAGE_CONTROL;
    }

    /** True when the application may post a response to the envelope. */
    static boolean isAnswered(short event) {
        return switch (event) {
            case FORMATTED_SMS_PP_ENV,
                    UNFORMATTED_SMS_PP_ENV,
                    CALL_CONTROL,
                    MO_SHORT_MESSAGE_CONTROL,
                    FORMATTED_USSD,
                    UNFORMATTED_USSD,
                    PACKET_ANSWERED,
                    UNRECOGNIZED_ENVELOPE -> true;
            default -> false;
        };
    }

    /** The event of a packet that came whole, or whose last part came, with this one. */
    static short ofPacket(short event) {
        return switch (event) {
            case UNFORMATTED_SMS_PP_ENV -> FORMATTED_SMS_PP_ENV;
            case UNFORMATTED_SMS_PP_UPD -> FORMATTED_SMS_PP_UPD;
            case UNFORMATTED_SMS_CB -> FORMATTED_SMS_CB;
            default -> event;
        };
    }

    /** False where an application is told of what is over; ETSI TS 102 241 4.8. */
    static boolean allowsProactive(short event) {
        return event != APPLICATION_DESELECT;
    }
}

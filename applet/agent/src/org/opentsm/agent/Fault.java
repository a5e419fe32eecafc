// SPDX-License-Identifier: Apache-2.0
package org.opentsm.agent;

import javacard.framework.ISOException;

/** Why a session goes no further; the reason of an ISOException that never leaves the agent. */
final class Fault {

    /** The channel is gone, or the other side is silent: the session may be resumed. */
    static final short LINK = (short) 0x6400;
    /** What came is no answer of remote administration. */
    static final short PROTOCOL = (short) 0x6500;
    /** TLS failed; the low byte is the alert to send. */
    static final short TLS = (short) 0x6F00;
    /** TLS failed on the other side, which wants to hear no alert. */
    static final short TLS_TOLD = (short) 0x6E00;

    // alerts (RFC 5246 7.2)
    static final byte UNEXPECTED_MESSAGE = (byte) 10;
    static final byte BAD_RECORD_MAC = (byte) 20;
    static final byte RECORD_OVERFLOW = (byte) 22;
    static final byte ILLEGAL_PARAMETER = (byte) 47;
    static final byte DECODE_ERROR = (byte) 50;
    static final byte DECRYPT_ERROR = (byte) 51;
    static final byte PROTOCOL_VERSION = (byte) 70;
    static final byte INTERNAL_ERROR = (byte) 80;
    static final byte UNSUPPORTED_EXTENSION = (byte) 110;

    private Fault() {}

    static void link() {
        ISOException.throwIt(LINK);
    }

    static void protocol() {
        ISOException.throwIt(PROTOCOL);
    }

    static void tls(byte alert) {
        ISOException.throwIt((short) (TLS | (short) (alert & 0xFF)));
    }

    static void tlsTold() {
        ISOException.throwIt(TLS_TOLD);
    }

    static boolean isTls(short reason) {
        return (short) (reason & (short) 0xFF00) == TLS;
    }
}

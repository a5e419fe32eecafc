// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.util.Arrays;
import javacard.framework.APDU;
import javacard.framework.ApduForm;

/**
 * How responses travel: under T=1 as they are; under T=0 with 61XX and GET RESPONSE where the command has no Le or a
 * smaller one, and 6CXX where a case 2 command has a wrong one (ISO 7816-3 10.3.2 to 10.3.4, JCRE 3.0.4 9.4). An Le of
 * 00 takes what there is.
 */
final class TransportProtocol {

    private static final int INS_GET_RESPONSE = 0xC0;
    private static final int MAX_PIECE = 256;
    private static final int SW_LENGTH = 2;

    private byte protocol = APDU.PROTOCOL_T1;
    /** What is left of a response, data and status word, or null. */
    private byte[] held;

    private ApduForm origin;
    private boolean wrongLength;

    private byte reported = APDU.PROTOCOL_T1;

    /** @param type APDU.PROTOCOL_T0 or APDU.PROTOCOL_T1 */
    void use(byte type) {
        protocol = type;
        reported = type;
    }

    /** What the applet hears, whatever the responses travel by. */
    void report(byte type) {
        reported = type;
    }

    byte reported() {
        return reported;
    }

    /** True when a command's data is there before the applet asks for it. */
    boolean isBlockwise() {
        return protocol == APDU.PROTOCOL_T1;
    }

    /** What was held is forgotten: a reset, or a command of the file system's. */
    void drop() {
        held = null;
    }

    /** The answer of GET RESPONSE or of a command sent again with the right Le; null when the command is a new one. */
    byte[] resume(ApduForm form) {
        byte[] response = held;
        held = null;
        if (response == null) {
            return null;
        }
        if (wrongLength) {
            return form.repeats(origin) ? deliver(form, response) : null;
        }
        // javax.smartcardio asks with the class of the command, secure messaging and all
        boolean same = form.cla() == origin.cla();
        boolean plain = same || (form.cla() & 0x3C) == 0 && form.channel() == origin.channel();
        boolean asks = form.ins() == INS_GET_RESPONSE && form.p1() == 0 && form.p2() == 0 && form.dataLength() == 0;
        return plain && asks ? take(response, form.expected()) : null;
    }

    /** Sends a response, or holds it back and says how to get it. */
    byte[] deliver(ApduForm form, byte[] response) {
        int length = response.length - SW_LENGTH;
        if (protocol == APDU.PROTOCOL_T1 || length == 0) {
            return response;
        }
        origin = form;
        wrongLength = false;
        int expected = form.expected();
        if (expected == ApduForm.ABSENT) {
            return hold(response);
        }
        boolean any = expected == MAX_PIECE || form.isExtended();
        if (form.dataLength() == 0 && !any && expected != length) {
            held = response;
            wrongLength = true;
            return CardRuntime.status((short) (0x6C00 | length & 0xFF));
        }
        return take(response, expected);
    }

    private byte[] take(byte[] response, int expected) {
        int length = response.length - SW_LENGTH;
        int most = expected == ApduForm.ABSENT ? MAX_PIECE : expected;
        if (length <= most) {
            return response;
        }
        byte[] piece = Arrays.copyOf(response, most + SW_LENGTH);
        byte[] more = hold(Arrays.copyOfRange(response, most, response.length));
        System.arraycopy(more, 0, piece, most, SW_LENGTH);
        return piece;
    }

    private byte[] hold(byte[] rest) {
        held = rest;
        int length = rest.length - SW_LENGTH;
        return CardRuntime.status((short) (0x6100 | (length > 0xFF ? 0 : length)));
    }
}

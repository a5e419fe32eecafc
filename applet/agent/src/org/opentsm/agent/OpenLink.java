// SPDX-License-Identifier: Apache-2.0
package org.opentsm.agent;

import javacard.framework.AID;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Shareable;
import javacard.framework.Util;
import org.globalplatform.Personalization;

/**
 * What the agent asks of the card's OPEN (applet/README.md 12.1), by requests of one byte and their data over an
 * interface that every card's API has. A package with an applet exports its Shareable interfaces alone, so that this
 * is not remote management's.
 */
final class OpenLink {

    /** First byte of a target: a security domain, whose AID follows, or the card's files. */
    static final byte DOMAIN = (byte) 1;

    static final byte FILES = (byte) 2;
    /** Longest answer to a command: 256 bytes and the status word. */
    static final short ANSWER_MAX = (short) 258;
    /** Longest request but for commands: kind, version, identifier, AID with its length, AID. */
    static final short REQUEST_MAX = (short) 37;

    /** How commands end: the next ones go on with what was selected, or nothing is selected any more. */
    static final byte FOR_NOW = (byte) 0;

    static final byte FOR_GOOD = (byte) 1;

    private static final byte KEY = (byte) 2;
    private static final byte BEGIN = (byte) 3;
    private static final byte RUN = (byte) 4;
    private static final byte END = (byte) 5;

    private static final byte PARAMETER = (byte) 0x52;
    private static final short SW_CONDITIONS = (short) 0x6985;
    private static final byte[] OPEN_AID = {
        (byte) 0xF0,
        (byte) 0x6F,
        (byte) 0x70,
        (byte) 0x65,
        (byte) 0x6E,
        (byte) 0x74,
        (byte) 0x73,
        (byte) 0x6D,
        (byte) 0x00
    };

    private final byte[] request;

    OpenLink() {
        request = JCSystem.makeTransientByteArray(REQUEST_MAX, JCSystem.CLEAR_ON_RESET);
    }

    /** Asked for each time: OPEN looks at who asks. 6985 on a card that serves no remote management. */
    private static Personalization open() {
        AID server = JCSystem.lookupAID(OPEN_AID, (short) 0, (byte) OPEN_AID.length);
        Shareable given = server == null ? null : JCSystem.getAppletShareableInterfaceObject(server, PARAMETER);
        if (given == null) {
            ISOException.throwIt(SW_CONDITIONS);
        }
        return (Personalization) given;
    }

    /**
     * Writes {@code type, value} of a domain's key, at most 65 bytes.
     *
     * @param aid  of the domain, {@code aidLength} bytes
     * @return length with the type; 0 when there is no such key for TLS
     */
    short key(byte version, byte id, byte[] aid, short aidOffset, short aidLength, byte[] out, short offset) {
        request[0] = KEY;
        request[1] = version;
        request[2] = id;
        Util.arrayCopyNonAtomic(aid, aidOffset, request, (short) 3, aidLength);
        return open().processData(request, (short) 0, (short) (3 + aidLength), out, offset);
    }

    /**
     * The commands that follow are for this target.
     *
     * @param target kind, and the AID of a domain
     * @param key    version and identifier of the key that vouches for the commands; keys come under the one behind it
     *               (Amendment B 3.9)
     * @param holder where the AID of that key's domain stands, {@code holderLength} bytes; none where it is the target
     */
    void begin(
            byte[] target,
            short offset,
            short length,
            short key,
            byte[] holder,
            short holderOffset,
            short holderLength) {
        request[0] = BEGIN;
        request[1] = target[offset];
        Util.setShort(request, (short) 2, key);
        request[4] = (byte) (length - 1);
        short at = Util.arrayCopyNonAtomic(target, (short) (offset + 1), request, (short) 5, (short) (length - 1));
        at = Util.arrayCopyNonAtomic(holder, holderOffset, request, at, holderLength);
        open().processData(request, (short) 0, at, request, (short) 0);
    }

    /**
     * Runs a command APDU; the byte before it is overwritten.
     *
     * @param out has room for {@link #ANSWER_MAX} bytes
     * @return length of {@code data, status word}
     */
    short run(byte[] buffer, short command, short length, byte[] out, short offset) {
        buffer[(short) (command - 1)] = RUN;
        return open().processData(buffer, (short) (command - 1), (short) (length + 1), out, offset);
    }

    /**
     * Nobody vouches for what comes now.
     *
     * @param how {@link #FOR_NOW}, where what was selected stays so for the same target, or {@link #FOR_GOOD}
     */
    void end(byte how) {
        request[0] = END;
        request[1] = how;
        open().processData(request, (short) 0, (short) 2, request, (short) 0);
    }
}

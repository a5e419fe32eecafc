// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ota;

import javacard.framework.AID;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Shareable;
import javacard.framework.Util;
import org.globalplatform.Personalization;

/**
 * What remote management asks of the card's OPEN (applet/README.md 12.1), by requests of one byte and their data over
 * an interface that every card's API has.
 */
public final class RemoteLink {

    /** First byte of what {@link #find} writes: a security domain, whose AID follows, or the card's files. */
    public static final byte DOMAIN = (byte) 1;

    public static final byte FILES = (byte) 2;
    /** Bytes of SPI, KIc, KID and TAR. */
    public static final short SECURITY = (short) 7;
    /** SPI is below what the TAR's application was installed with; no AID follows. */
    static final byte LEVEL_TOO_LOW = (byte) 3;
    /** A toolkit application; the AID is that of the domain whose keys its packets have. */
    static final byte APPLICATION = (byte) 4;
    /** First byte of what {@link #answer} writes: posted as a failure; the application was busy. */
    static final byte NEGATIVE = (byte) 0;

    static final byte BUSY = (byte) 2;
    /** Longest answer to a command: 256 bytes and the status word. */
    public static final short ANSWER_MAX = (short) 258;
    /** Longest request but for commands: kind, version, identifier, AID with its length. */
    public static final short REQUEST_MAX = (short) 21;

    private static final byte FIND = (byte) 1;
    private static final byte KEY = (byte) 2;
    private static final byte BEGIN = (byte) 3;
    private static final byte RUN = (byte) 4;
    private static final byte END = (byte) 5;
    private static final byte DELIVER = (byte) 6;
    private static final byte ANSWER = (byte) 7;
    private static final byte KEY_SETS = (byte) 8;
    /** Bytes of what {@link #keySet} writes at most. */
    static final short KEY_SET_MAX = (short) 18;

    /** KID of a packet's set; its KIK is the one behind it (TS 102 225 5.1.2). */
    private static final byte KID = (byte) 2;

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

    public RemoteLink() {
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
     * Writes whom a packet is for: kind, and the AID of a domain; at most 17 bytes.
     *
     * @param security SPI, KIc, KID and TAR
     * @return its length; 0 when the TAR is nobody's
     */
    public short find(byte[] security, short securityOffset, byte[] out, short offset) {
        request[0] = FIND;
        Util.arrayCopyNonAtomic(security, securityOffset, request, (short) 1, SECURITY);
        return open().processData(request, (short) 0, (short) (1 + SECURITY), out, offset);
    }

    /**
     * Writes {@code type, value} of a domain's key, at most 65 bytes.
     *
     * @param aid  of the domain, {@code aidLength} bytes
     * @return length with the type; 0 when there is no such key for packets or TLS
     */
    public short key(byte version, byte id, byte[] aid, short aidOffset, short aidLength, byte[] out, short offset) {
        request[0] = KEY;
        request[1] = version;
        request[2] = id;
        Util.arrayCopyNonAtomic(aid, aidOffset, request, (short) 3, aidLength);
        return open().processData(request, (short) 0, (short) (3 + aidLength), out, offset);
    }

    /**
     * The commands that follow are for this target.
     *
     * @param target  as {@link #find} wrote it
     * @param version of the keys that the packet was right under; 00 when nobody vouches for its commands
     */
    public void begin(byte[] target, short offset, short length, byte version) {
        request[0] = BEGIN;
        request[1] = target[offset];
        request[2] = version;
        request[3] = KID;
        request[4] = (byte) (length - 1);
        Util.arrayCopyNonAtomic(target, (short) (offset + 1), request, (short) 5, (short) (length - 1));
        open().processData(request, (short) 0, (short) (4 + length), request, (short) 0);
    }

    /**
     * Runs a command APDU; the byte before it is overwritten.
     *
     * @param out has room for {@link #ANSWER_MAX} bytes
     * @return length of {@code data, status word}
     */
    public short run(byte[] buffer, short command, short length, byte[] out, short offset) {
        buffer[(short) (command - 1)] = RUN;
        return open().processData(buffer, (short) (command - 1), (short) (length + 1), out, offset);
    }

    /**
     * Has the application of a packet's TAR triggered with it, behind the event at hand; the byte before the packet is
     * overwritten. 6985 when that application is gone.
     */
    public void deliver(byte[] buffer, short packet, short length) {
        buffer[(short) (packet - 1)] = DELIVER;
        open().processData(buffer, (short) (packet - 1), (short) (length + 1), request, (short) 0);
    }

    /** Writes {@code kind, data} that the application answered to what was delivered; its length. */
    public short answer(byte[] out, short offset) {
        request[0] = ANSWER;
        return open().processData(request, (short) 0, (short) 1, out, offset);
    }

    /**
     * Writes {@code version, target} of one of the key sets for packets that are on the card, in use or locked, the
     * target as {@link #find} writes it; its length, 0 behind the last one.
     *
     * @param number from 0 on
     */
    short keySet(short number, byte[] out, short offset) {
        request[0] = KEY_SETS;
        Util.setShort(request, (short) 1, number);
        return open().processData(request, (short) 0, (short) 3, out, offset);
    }

    /** Nobody vouches for what comes now. */
    public void end() {
        request[0] = END;
        open().processData(request, (short) 0, (short) 1, request, (short) 0);
    }
}

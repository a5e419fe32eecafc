// SPDX-License-Identifier: Apache-2.0
package org.opentsm.agent;

import javacard.framework.Util;

/**
 * What of a session outlives a reset: its parameters, where the next POST goes, how often it may still be retried, and
 * one trigger that waits. Each step takes effect by the write of one byte, the state.
 */
final class SessionStore {

    /** Longest URI. */
    static final short URI_MAX = (short) 192;

    static final short TRIGGER_MAX = (short) 255;

    private static final short AID_MAX = (short) 16;
    private static final short CONNECTION_MAX = (short) 120;
    private static final short SECURITY_MAX = (short) 134;
    /** Counter and timer of the retry policy, and with its message. */
    private static final short POLICY = (short) 7;

    private static final short RETRY_MAX = (short) (POLICY + 100);
    private static final short TEXT_MAX = (short) 64;

    // the state
    private static final byte ACTIVE = (byte) 0x01;
    private static final byte SECOND_URI = (byte) 0x02;
    private static final byte POSTED = (byte) 0x04;
    private static final byte QUEUED = (byte) 0x08;
    /** Its last script runs, or has run. */
    private static final byte LAST = (byte) 0x10;

    // places of {@code L value}
    private static final short STATE = (short) 0;
    private static final short RETRIES = (short) 1;
    private static final short DOMAIN = (short) 3;
    private static final short CONNECTION = (short) (DOMAIN + 1 + AID_MAX);
    private static final short SECURITY = (short) (CONNECTION + 1 + CONNECTION_MAX);
    private static final short RETRY = (short) (SECURITY + 1 + SECURITY_MAX);
    private static final short HOST = (short) (RETRY + 1 + RETRY_MAX);
    private static final short AGENT = (short) (HOST + 1 + TEXT_MAX);
    private static final short FIRST = (short) (AGENT + 1 + TEXT_MAX);
    private static final short SECOND = (short) (FIRST + 1 + URI_MAX);
    private static final short WAITING_DOMAIN = (short) (SECOND + 1 + URI_MAX);
    private static final short WAITING = (short) (WAITING_DOMAIN + 1 + AID_MAX);
    private static final short LENGTH = (short) (WAITING + 1 + TRIGGER_MAX);

    private static final short TIMER = (short) 4;
    private static final byte TIMER_TAG = (byte) 0x25;
    /** Both tags with and without comprehension required (TS 102 223 9.3). */
    private static final byte WITHOUT_COMPREHENSION = (byte) 0x7F;

    final byte[] bytes = new byte[LENGTH];
    /** Parameters for whatever a trigger leaves out. */
    private final byte[] defaults;

    SessionStore(byte[] defaults) {
        this.defaults = defaults;
    }

    boolean isActive() {
        return (bytes[STATE] & ACTIVE) != 0;
    }

    /** True from the first command of the session's last script on: whatever breaks, there is nothing to go on with. */
    boolean isLast() {
        return (bytes[STATE] & LAST) != 0;
    }

    /** True while a trigger waits for the end of the session. */
    boolean isQueued() {
        return (bytes[STATE] & QUEUED) != 0;
    }

    /** True once the server may have seen a POST of this session. */
    boolean isPosted() {
        return (bytes[STATE] & POSTED) != 0;
    }

    /**
     * Takes a trigger: its session begins, or waits for the end of the one there is; of those that wait the newest.
     *
     * @return false when it is not complete, with what the agent knows
     */
    boolean take(byte[] domain, short domainOffset, short domainLength, byte[] trigger, short offset, short length) {
        if (length > TRIGGER_MAX || domainLength > AID_MAX || !isComplete(trigger, offset, (short) (offset + length))) {
            return false;
        }
        if (!isActive()) {
            begin(domain, domainOffset, domainLength, trigger, offset, length);
            return true;
        }
        bytes[STATE] &= ~QUEUED;
        put(WAITING_DOMAIN, domain, domainOffset, domainLength);
        put(WAITING, trigger, offset, length);
        bytes[STATE] |= QUEUED;
        return true;
    }

    /** Ends the session; true when the one that waited has begun. */
    boolean end() {
        boolean queued = (bytes[STATE] & QUEUED) != 0;
        bytes[STATE] &= QUEUED;
        if (queued) {
            short length = (short) (bytes[WAITING] & 0xFF);
            begin(bytes, (short) (WAITING_DOMAIN + 1), bytes[WAITING_DOMAIN], bytes, (short) (WAITING + 1), length);
        }
        return queued;
    }

    private boolean isComplete(byte[] trigger, short offset, short end) {
        return has(trigger, offset, end, Trigger.CONNECTION, CONNECTION_MAX)
                && has(trigger, offset, end, Trigger.SECURITY, SECURITY_MAX)
                && has(trigger, offset, end, Trigger.HOST, TEXT_MAX)
                && has(trigger, offset, end, Trigger.AGENT, TEXT_MAX)
                && has(trigger, offset, end, Trigger.URI, URI_MAX);
    }

    private boolean has(byte[] trigger, short offset, short end, byte tag, short most) {
        byte[] list = trigger;
        short value = Trigger.find(list, offset, end, tag);
        if (value == Tlv.NONE) {
            list = defaults;
            value = Trigger.find(list, (short) 0, (short) defaults.length, tag);
        }
        if (value == Tlv.NONE) {
            // an agent without a name has its own
            return tag == Trigger.AGENT;
        }
        if (Tlv.length(list, value) == 0 || Tlv.length(list, value) > most) {
            return false;
        }
        short last = Tlv.end(list, value);
        switch (tag) {
            case Trigger.CONNECTION:
                return true;
            case Trigger.SECURITY:
                return isSecurity(list, value, last);
            default:
                return isText(list, value, last);
        }
    }

    /** {@code L identity 02 KVN KID [kind of SHA]}. */
    private static boolean isSecurity(byte[] list, short value, short end) {
        short reference = (short) (value + 1 + (list[value] & 0xFF));
        return list[value] != 0
                && (short) (end - reference) >= 3
                && (short) (end - reference) <= 4
                && list[reference] == 2;
    }

    /** Printable and without spaces: nothing in it ends a line. */
    private static boolean isText(byte[] list, short value, short end) {
        for (short i = value; i < end; i++) {
            if (list[i] <= 0x20 || list[i] == 0x7F) {
                return false;
            }
        }
        return true;
    }

    private void begin(
            byte[] domain, short domainOffset, short domainLength, byte[] trigger, short offset, short length) {
        short end = (short) (offset + length);
        put(DOMAIN, domain, domainOffset, domainLength);
        copy(trigger, offset, end, Trigger.CONNECTION, CONNECTION);
        copy(trigger, offset, end, Trigger.SECURITY, SECURITY);
        copy(trigger, offset, end, Trigger.HOST, HOST);
        copy(trigger, offset, end, Trigger.AGENT, AGENT);
        copy(trigger, offset, end, Trigger.URI, FIRST);
        copy(trigger, offset, end, Trigger.RETRY, RETRY);
        Util.setShort(bytes, RETRIES, retryCount());
        bytes[STATE] = ACTIVE;
    }

    private void copy(byte[] trigger, short offset, short end, byte tag, short place) {
        byte[] list = trigger;
        short value = Trigger.find(list, offset, end, tag);
        if (value == Tlv.NONE) {
            list = defaults;
            value = Trigger.find(list, (short) 0, (short) defaults.length, tag);
        }
        if (value == Tlv.NONE) {
            bytes[place] = (byte) 0;
            return;
        }
        short length = Tlv.length(list, value);
        put(place, list, value, tag == Trigger.RETRY && length > RETRY_MAX ? POLICY : length);
    }

    private void put(short place, byte[] value, short offset, short length) {
        Util.arrayCopyNonAtomic(value, offset, bytes, (short) (place + 1), length);
        bytes[place] = (byte) length;
    }

    // --- what it is about -----------------------------------------------------------------------

    short domain() {
        return (short) (DOMAIN + 1);
    }

    short domainLength() {
        return bytes[DOMAIN];
    }

    short connection() {
        return (short) (CONNECTION + 1);
    }

    short connectionLength() {
        return bytes[CONNECTION];
    }

    /** Writes the PSK identity; its length. */
    short identity(byte[] out, short offset) {
        short length = (short) (bytes[(short) (SECURITY + 1)] & 0xFF);
        Util.arrayCopyNonAtomic(bytes, (short) (SECURITY + 2), out, offset, length);
        return length;
    }

    /** KVN and KID of the PSK. */
    short keyReference() {
        return Util.getShort(bytes, (short) (SECURITY + 3 + (bytes[(short) (SECURITY + 1)] & 0xFF)));
    }

    /** Place of {@code L host}. */
    short host() {
        return HOST;
    }

    /** Place of {@code L agent}. */
    short agent() {
        return AGENT;
    }

    /** Place of {@code L URI} of the next POST. */
    short uri() {
        return (bytes[STATE] & SECOND_URI) != 0 ? SECOND : FIRST;
    }

    // --- how it goes on -------------------------------------------------------------------------

    /** A POST is about to go out. */
    void posting() {
        if (!isPosted()) {
            bytes[STATE] |= POSTED;
        }
    }

    /** The next POST goes there; what was posted so far has had its effect. */
    void next(byte[] uri, short offset, short length) {
        short spare = uri() == FIRST ? SECOND : FIRST;
        put(spare, uri, offset, length);
        bytes[STATE] ^= SECOND_URI;
        if (Util.getShort(bytes, RETRIES) != retryCount()) {
            Util.setShort(bytes, RETRIES, retryCount());
        }
    }

    /** The script that runs now is the session's last: it must not come a second time. */
    void last() {
        bytes[STATE] |= LAST;
    }

    private short retryCount() {
        return bytes[RETRY] >= POLICY && (bytes[(short) (RETRY + 3)] & WITHOUT_COMPREHENSION) == TIMER_TAG
                ? Util.getShort(bytes, (short) (RETRY + 1))
                : (short) 0;
    }

    /** Takes one of the retries that are left; false when there is none. */
    boolean retry() {
        short left = Util.getShort(bytes, RETRIES);
        if (left == 0) {
            return false;
        }
        Util.setShort(bytes, RETRIES, (short) (left - 1));
        return true;
    }

    /**
     * Objects of the message that tells of a failure, behind the policy; 0 where it has none, and from the second time
     * on, since the power may fail while it goes out.
     */
    short takeReport() {
        short length = (short) (bytes[RETRY] - POLICY);
        if (length <= 0) {
            return (short) 0;
        }
        bytes[RETRY] = (byte) POLICY;
        return length;
    }

    /** Their offset. */
    short report() {
        return (short) (RETRY + 1 + POLICY);
    }

    /** Offset of the timer value of the pause before a retry. */
    short pause() {
        return (short) (RETRY + 1 + TIMER);
    }
}

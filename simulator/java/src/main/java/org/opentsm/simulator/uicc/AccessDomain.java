// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import java.util.Arrays;

/**
 * What somebody may do with files, the access domain that INSTALL gives an application (ETSI TS 102 226 8.2.1.3.2.4):
 * {@code 00} for all that is not forbidden to everybody, {@code FF} for nothing, {@code 02 b1 b2 b3} for what the
 * conditions named there open: application PINs 1 to 8, administration codes 1 to 8, then 9 and 10, always, and from
 * bit 4 of the last byte on the application's local PINs.
 */
public final class AccessDomain {

    private static final int FULL = 0x00;
    private static final int CONDITIONS = 0x02;
    private static final int ALWAYS_BIT = 0x04;
    private static final int LOCAL = 0x08;
    private static final int LENGTH = 4;
    /** The terminal of a card without PINs is taken to have presented every code. */
    public static final AccessDomain ALL = new AccessDomain(new byte[] {FULL});

    /** What everybody may, the terminal before any PIN too. */
    public static final AccessDomain ALWAYS = new AccessDomain(new byte[] {CONDITIONS, 0, 0, ALWAYS_BIT});

    public static final AccessDomain NONE = new AccessDomain(new byte[] {(byte) 0xFF});

    private final byte[] parameter;

    /** @param parameter the domain and its data; one that is not understood opens nothing */
    public AccessDomain(byte[] parameter) {
        this.parameter = parameter;
    }

    /** What is always allowed, and what these codes open: PIN1, ADM1 and the local PIN. */
    static AccessDomain holding(boolean pin, boolean code, boolean local) {
        int others = ALWAYS_BIT | (local ? LOCAL : 0);
        return new AccessDomain(new byte[] {CONDITIONS, (byte) (pin ? 1 : 0), (byte) (code ? 1 : 0), (byte) others});
    }

    /**
     * The one for a file system, of {@code {LV name, LV domain, LV signature}..}; no name is the card's own files.
     *
     * @param fields contents of tag 81 or 82 of INSTALL's EA, or null
     * @return {@link #NONE} when the fields say nothing of it
     */
    public static AccessDomain of(byte[] fields, byte[] application) {
        byte[] wanted = application == null ? new byte[0] : application;
        for (int at = 0; fields != null && at < fields.length; ) {
            byte[] name = value(fields, at);
            at += 1 + name.length;
            byte[] domain = value(fields, at);
            at += 1 + domain.length;
            at += 1 + value(fields, at).length;
            if (Arrays.equals(name, wanted)) {
                return new AccessDomain(domain);
            }
        }
        return NONE;
    }

    private static byte[] value(byte[] fields, int at) {
        int length = at < fields.length ? fields[at] & 0xFF : 0;
        return Arrays.copyOfRange(fields, Math.min(at + 1, fields.length), Math.min(at + 1 + length, fields.length));
    }

    /** As INSTALL has it. */
    public byte[] parameter() {
        return parameter.clone();
    }

    boolean isFull() {
        return parameter.length > 0 && parameter[0] == FULL;
    }

    private boolean hasConditions() {
        return parameter.length >= LENGTH && parameter[0] == CONDITIONS;
    }

    boolean isEmpty() {
        return !isFull() && !hasConditions();
    }

    boolean always() {
        return isFull() || hasConditions() && (parameter[3] & ALWAYS_BIT) != 0;
    }

    /** @param key reference of TS 102 221 9.5.1: 01 to 08, 0A to 0E, 81 to 88, 8A to 8E; others are known to nobody */
    boolean knows(int key) {
        if (isFull()) {
            return key > 0;
        }
        if (!hasConditions()) {
            return false;
        }
        if (key >= 0x01 && key <= 0x08) {
            return (parameter[1] >> key - 0x01 & 1) != 0;
        }
        if (key >= 0x81 && key <= 0x88) {
            return (parameter[3] & LOCAL) != 0;
        }
        int code = key >= 0x0A && key <= 0x0E ? key - 0x0A : key >= 0x8A && key <= 0x8E ? 5 + key - 0x8A : -1;
        return code >= 0 && (parameter[2 + code / 8] >> code % 8 & 1) != 0;
    }
}

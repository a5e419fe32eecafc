// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import java.util.Arrays;

/**
 * Which packets are an application's, as its INSTALL says (ETSI TS 102 226 8.2.1.3.2.2, TS 43.019 8): fields
 * {@code priority, timers, text length, entries, {position, identifier}*, channels, L MSL, L TAR..} in tag 80 of EA, or
 * behind the access domain in tag CA of EF.
 *
 * @param references toolkit application references, 3 bytes each
 * @param level      the least first byte of a packet's SPI; 0 where every packet will do, 0x100 for one of another kind
 */
public record PacketTarget(byte[] references, int level) {

    public static final PacketTarget NONE = new PacketTarget(new byte[0], 0);
    /** Bytes of a reference. */
    public static final int REFERENCE = 3;

    /** A level of a kind that this card cannot check. */
    private static final int UNKNOWN = 0x100;

    private static final int TAG_SYSTEM = 0xEF;
    private static final int TAG_UICC = 0xEA;
    private static final int TAG_SIM = 0xCA;
    private static final int TAG_TOOLKIT = 0x80;
    /** Kind of a level: the least SPI 1; there are no others that all cards know. */
    private static final int LEAST_SPI = 1;

    private static final int ENTRIES = 3;
    private static final int REFERENCE_IN_AID = 12;

    // SPI 1, TS 102 225 5.1.1
    private static final int INTEGRITY = 0x03;
    private static final int CIPHERED = 0x04;
    private static final int COUNTER = 0x18;

    /** @param parameters the parameters field of INSTALL, TLV objects; what is cut off in it is absent */
    public static PacketTarget of(byte[] parameters) {
        byte[] fields = toolkit(parameters);
        if (fields == null) {
            return NONE;
        }
        int at = ENTRIES < fields.length ? ENTRIES + 2 + 2 * (fields[ENTRIES] & 0xFF) : fields.length;
        byte[] level = counted(fields, at);
        byte[] references = counted(fields, at + 1 + level.length);
        boolean known = level.length == 0 || level.length == 2 && level[0] == LEAST_SPI;
        return new PacketTarget(references, !known ? UNKNOWN : level.length == 0 ? 0 : level[1] & 0xFF);
    }

    /** Bytes 13 to 15 of an AID, which are its reference where INSTALL gave none (TS 101 220 7); or nothing. */
    static byte[] inName(byte[] aid) {
        int end = REFERENCE_IN_AID + REFERENCE;
        return aid.length < end ? new byte[0] : Arrays.copyOfRange(aid, REFERENCE_IN_AID, end);
    }

    PacketTarget with(byte[] others) {
        return new PacketTarget(others, level);
    }

    /** The fields for a toolkit application, or null. */
    public static byte[] toolkit(byte[] parameters) {
        byte[] uicc = find(parameters, TAG_UICC);
        byte[] toolkit = uicc == null ? null : find(uicc, TAG_TOOLKIT);
        byte[] system = toolkit == null ? find(parameters, TAG_SYSTEM) : null;
        byte[] sim = system == null ? null : find(system, TAG_SIM);
        return sim == null || sim.length == 0
                ? toolkit
                : Arrays.copyOfRange(sim, Math.min(sim.length, 1 + (sim[0] & 0xFF)), sim.length);
    }

    /** A field behind its length; what is cut off is absent. */
    private static byte[] counted(byte[] fields, int at) {
        int length = at < fields.length ? fields[at] & 0xFF : 0;
        return at + 1 + length > fields.length ? new byte[0] : Arrays.copyOfRange(fields, at + 1, at + 1 + length);
    }

    /** Value of the first object with this tag, or null. */
    public static byte[] find(byte[] objects, int tag) {
        for (int at = 0; at + 1 < objects.length; ) {
            int length = objects[at + 1] & 0xFF;
            int head = length == 0x81 ? 3 : 2;
            length = head == 3 && at + 2 < objects.length ? objects[at + 2] & 0xFF : length;
            if ((objects[at] & 0xFF) == tag && at + head + length <= objects.length) {
                return Arrays.copyOfRange(objects, at + head, at + head + length);
            }
            at += head + length;
        }
        return null;
    }

    /** False for half a reference, and a level that nobody could check. */
    public boolean isWellFormed() {
        return references.length % REFERENCE == 0 && level != UNKNOWN;
    }

    boolean has(byte[] reference) {
        for (int at = 0; at + REFERENCE <= references.length; at += REFERENCE) {
            if (Arrays.equals(references, at, at + REFERENCE, reference, 0, REFERENCE)) {
                return true;
            }
        }
        return false;
    }

    /** As strong a checksum, ciphering where the level has it, as strict a counter; TS 102 226 8.2.1.3.2.4. */
    public boolean isReached(byte spi) {
        return (spi & INTEGRITY) >= (level & INTEGRITY)
                && (level & CIPHERED & ~spi) == 0
                && (spi & COUNTER) >= (level & COUNTER);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof PacketTarget target
                && target.level == level
                && Arrays.equals(target.references, references);
    }

    @Override
    public int hashCode() {
        return 31 * level + Arrays.hashCode(references);
    }
}

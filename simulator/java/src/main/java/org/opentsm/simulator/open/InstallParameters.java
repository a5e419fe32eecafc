// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import java.util.List;

/**
 * The parameters field of INSTALL, GPCS 2.3.1 Tables 11-47 to 11-55; absent parts are null or -1, and of C9 empty.
 *
 * @param application contents of C9, for install()
 * @param code        C6: bytes of memory the code of a load file needs
 * @param memory      C7, C8, D7, D8: quotas and reservations
 * @param implicit    CF, as often as it stands: interfaces (80 contactless, 40 contact) and channel the application is
 *     selected on by default
 * @param restricted  D9: what is never to be done any more, one bit for each variant of INSTALL, 01 for DELETE
 * @param tokenNames  contents of B6, which are signed with the command
 * @param whole       all of it as it came, for what other parts of the card read in it
 */
record InstallParameters(
        byte[] application,
        int code,
        MemoryPromise memory,
        byte[] implicit,
        int restricted,
        byte[] tokenNames,
        byte[] whole) {

    /** How often CF may stand. */
    static final int IMPLICIT_MAX = 4;

    private static final int APPLICATION = 0xC9;
    private static final int SYSTEM = 0xEF;
    private static final int TOKEN_NAMES = 0xB6;
    private static final int CODE = 0xC6;
    private static final int VOLATILE = 0xC7;
    private static final int PERSISTENT = 0xC8;
    private static final int VOLATILE_RESERVED = 0xD7;
    private static final int PERSISTENT_RESERVED = 0xD8;
    private static final int IMPLICIT = 0xCF;
    private static final int RESTRICT = 0xD9;

    static InstallParameters parse(byte[] bytes) {
        List<Tlv> objects = Tlv.all(bytes);
        byte[] system = Tlv.find(objects, SYSTEM);
        List<Tlv> parts = system == null ? List.of() : Tlv.all(system);
        byte[] restrict = Tlv.find(parts, RESTRICT);
        if (restrict != null && restrict.length != 1) {
            throw LvReader.malformed();
        }
        MemoryPromise memory = new MemoryPromise(
                quota(parts, VOLATILE),
                quota(parts, PERSISTENT),
                size(parts, VOLATILE_RESERVED),
                size(parts, PERSISTENT_RESERVED));
        if (!memory.isConsistent()) {
            throw LvReader.malformed();
        }
        byte[] application = Tlv.find(objects, APPLICATION);
        return new InstallParameters(
                application == null ? new byte[0] : application,
                size(parts, CODE),
                memory,
                implicit(parts),
                restrict == null ? 0 : restrict[0] & 0xFF,
                Tlv.find(objects, TOKEN_NAMES),
                bytes);
    }

    /** One after the other; an empty one says "on none" as a zero does. */
    private static byte[] implicit(List<Tlv> parts) {
        List<byte[]> given = parts.stream()
                .filter(part -> part.tag() == IMPLICIT)
                .map(Tlv::value)
                .toList();
        byte[] all = new byte[given.size()];
        for (int at = 0; at < all.length; at++) {
            byte[] one = given.get(at);
            if (one.length > 1 || all.length > IMPLICIT_MAX) {
                throw LvReader.malformed();
            }
            all[at] = one.length == 0 ? 0 : one[0];
        }
        return all.length == 0 ? null : all;
    }

    PacketTarget target() {
        return PacketTarget.of(whole);
    }

    /** A quota of nothing is none: gpshell and others send zeros where their user said nothing. */
    private static int quota(List<Tlv> parts, int tag) {
        int bytes = size(parts, tag);
        return bytes == 0 ? -1 : bytes;
    }

    /** Memory in bytes: two bytes up to 32767, else four. */
    private static int size(List<Tlv> parts, int tag) {
        byte[] value = Tlv.find(parts, tag);
        if (value == null) {
            return -1;
        }
        if (value.length != 2 && value.length != 4 || value[0] < 0) {
            throw LvReader.malformed();
        }
        int size = 0;
        for (byte part : value) {
            size = size << 8 | part & 0xFF;
        }
        return size;
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.util.Arrays;
import org.opentsm.simulator.open.FileGrant;
import org.opentsm.simulator.open.PacketTarget;

/**
 * What INSTALL allows a toolkit application: {@code EA {80 L access, priority, timers, text length, entries, {position,
 * identifier}*, channels, MSL, TAR, services}} of the UICC (ETSI TS 102 226 8.2.1.3.2.2), or {@code CA} of the SIM
 * (TS 43.019 8) under EF, which begins with the access domain.
 * Without either the application gets all entries, timers, channels and services that there are, as test applets come
 * without; of files it gets no more then than everybody.
 *
 * @param positions   at which the menu entries come into the menu, 0 for behind all others
 * @param identifiers of the menu entries, 0 where the card is to choose
 * @param channels    that the application may have open at once
 * @param tar         toolkit application references, 3 bytes each; what is no multiple of that is refused
 * @param services    that it may have
 * @param files       what it may do with files and as their administrator
 * @param allowed     false where more is asked for than a card has, or a menu identifier that is not INSTALL's to give:
 *     80 to FF are the card's, and each is given once
 */
record InstallLimits(
        int priority,
        int timers,
        int textLength,
        byte[] positions,
        byte[] identifiers,
        int channels,
        byte[] tar,
        int services,
        FileGrant files,
        boolean allowed) {

    static final int MAX_TIMERS = 8;
    static final int MAX_CHANNELS = 7;
    static final int MAX_SERVICES = 8;
    private static final int ALL_ENTRIES = 16;
    private static final int LONGEST_TEXT = 128;
    static final InstallLimits NONE = new InstallLimits(
            0xFF,
            MAX_TIMERS,
            LONGEST_TEXT,
            new byte[ALL_ENTRIES],
            new byte[ALL_ENTRIES],
            MAX_CHANNELS,
            new byte[0],
            MAX_SERVICES,
            FileGrant.NONE,
            true);

    /** @param parameters the parameters field of INSTALL, TLV objects */
    static InstallLimits of(byte[] parameters) {
        byte[] toolkit = PacketTarget.toolkit(parameters);
        FileGrant files = FileGrant.of(parameters);
        return toolkit == null
                ? NONE.with(files)
                : read(toolkit, PacketTarget.of(parameters).references()).with(files);
    }

    /** With these references, which may be in the application's name. */
    InstallLimits receiving(byte[] references) {
        return new InstallLimits(
                priority, timers, textLength, positions, identifiers, channels, references, services, files, allowed);
    }

    private InstallLimits with(FileGrant grant) {
        return grant.equals(files)
                ? this
                : new InstallLimits(
                        priority, timers, textLength, positions, identifiers, channels, tar, services, grant, allowed);
    }

    private static InstallLimits read(byte[] fields, byte[] references) {
        byte[] in = Arrays.copyOf(fields, Math.max(fields.length, 4));
        int entries = in[3] & 0xFF;
        byte[] positions = new byte[entries];
        byte[] identifiers = new byte[entries];
        for (int i = 0; i < entries; i++) {
            int at = 4 + 2 * i + 1;
            positions[i] = at < in.length ? in[at - 1] : 0;
            identifiers[i] = at < in.length ? in[at] : 0;
        }
        // Channels, then the minimum security level with its length, then the references with theirs.
        int at = 4 + 2 * entries;
        int channels = at < in.length ? in[at] & 0xFF : MAX_CHANNELS;
        at++;
        at += at < in.length ? 1 + (in[at] & 0xFF) : 0;
        at += at < in.length ? 1 + (in[at] & 0xFF) : 0;
        // Only later releases have this field.
        int services = at < in.length ? in[at] & 0xFF : MAX_SERVICES;
        int timers = in[1] & 0xFF;
        boolean allowed = timers <= MAX_TIMERS && channels <= MAX_CHANNELS && services <= MAX_SERVICES;
        return new InstallLimits(
                in[0] & 0xFF,
                timers,
                in[2] & 0xFF,
                positions,
                identifiers,
                channels,
                references,
                services,
                FileGrant.NONE,
                allowed && areGivenOnce(identifiers));
    }

    private static boolean areGivenOnce(byte[] identifiers) {
        for (int i = 0; i < identifiers.length; i++) {
            if (identifiers[i] < 0 || contains(Arrays.copyOf(identifiers, i), identifiers[i])) {
                return false;
            }
        }
        return true;
    }

    /** Never true for 0, which leaves it to the card. */
    static boolean contains(byte[] identifiers, byte wanted) {
        for (byte identifier : identifiers) {
            if (identifier == wanted && wanted != 0) {
                return true;
            }
        }
        return false;
    }
}

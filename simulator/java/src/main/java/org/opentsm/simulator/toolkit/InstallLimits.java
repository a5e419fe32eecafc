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
 * @param positions   of the menu entries, 0 for behind all others
 * @param identifiers of the menu entries, 0 where the card is to choose
 * @param channels    that the application may have open at once
 * @param tar         toolkit application references, 3 bytes each; what is no multiple of that is refused
 * @param services    that it may have
 * @param files       what it may do with files and as their administrator
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
        FileGrant files) {

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
            FileGrant.NONE);

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
                priority, timers, textLength, positions, identifiers, channels, references, services, files);
    }

    private InstallLimits with(FileGrant grant) {
        return grant.equals(files)
                ? this
                : new InstallLimits(
                        priority, timers, textLength, positions, identifiers, channels, tar, services, grant);
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
        int channels = at < in.length ? Math.min(MAX_CHANNELS, in[at] & 0xFF) : MAX_CHANNELS;
        at++;
        at += at < in.length ? 1 + (in[at] & 0xFF) : 0;
        at += at < in.length ? 1 + (in[at] & 0xFF) : 0;
        // Only later releases have this field.
        int services = at < in.length ? Math.min(MAX_SERVICES, in[at] & 0xFF) : MAX_SERVICES;
        return new InstallLimits(
                in[0] & 0xFF,
                Math.min(MAX_TIMERS, in[1] & 0xFF),
                in[2] & 0xFF,
                positions,
                identifiers,
                channels,
                references,
                services,
                FileGrant.NONE);
    }
}

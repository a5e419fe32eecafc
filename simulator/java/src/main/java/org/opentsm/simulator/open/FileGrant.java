// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import java.util.Arrays;

/**
 * What INSTALL lets an application do with files, ETSI TS 102 226 8.2.1.3.2.3: each part is {@code {L name of a file
 * system, L access domain, L signature}..}. The access domain of a SIM's parameters (TS 43.019 8, the first field of CA
 * in EF) is one for the card's own files, whose name is empty.
 *
 * @param user          tag 81 of EA, or null
 * @param administrator tag 82 of EA, or null
 */
public record FileGrant(byte[] user, byte[] administrator) {

    public static final FileGrant NONE = new FileGrant(null, null);

    private static final int TAG_UICC = 0xEA;
    private static final int TAG_USER = 0x81;
    private static final int TAG_ADMINISTRATOR = 0x82;
    private static final int TAG_SYSTEM = 0xEF;
    private static final int TAG_SIM = 0xCA;

    /** @param parameters the parameters field of INSTALL, TLV objects; what is cut off in it is absent */
    public static FileGrant of(byte[] parameters) {
        byte[] uicc = PacketTarget.find(parameters, TAG_UICC);
        byte[] system = PacketTarget.find(parameters, TAG_SYSTEM);
        byte[] sim = system == null ? null : PacketTarget.find(system, TAG_SIM);
        byte[] user = uicc == null ? null : PacketTarget.find(uicc, TAG_USER);
        return new FileGrant(
                user == null && sim != null ? ofSim(sim) : user,
                uicc == null ? null : PacketTarget.find(uicc, TAG_ADMINISTRATOR));
    }

    private static byte[] ofSim(byte[] fields) {
        int length = fields.length == 0 ? 0 : fields[0] & 0xFF;
        if (length == 0 || length >= fields.length) {
            return null;
        }
        byte[] made = new byte[1 + 1 + length + 1];
        System.arraycopy(fields, 0, made, 1, 1 + length);
        return made;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof FileGrant grant
                && Arrays.equals(grant.user, user)
                && Arrays.equals(grant.administrator, administrator);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(user) + Arrays.hashCode(administrator);
    }
}

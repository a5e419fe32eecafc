// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

/** The issuer's domain: card content, life cycles, and what it hands on to the domains it made. */
public class IssuerSecurityDomain extends SecurityDomain {

    // What domains inherit whose install parameters name no protocols
    static byte inherited02 = Scp02.DEFAULT_OPTION;
    static byte inherited03 = Scp03.DEFAULT_OPTION;

    private final ContentCommands content;
    private final Personalization personalization;
    private final boolean announcesScp10;

    private IssuerSecurityDomain(byte[] bArray, short bOffset, short bLength) {
        super(bArray, bOffset, bLength, true, true);
        content = new ContentCommands(this, transients);
        personalization = new Personalization(this, transients);
        announcesScp10 = InstallData.has(Gp.TAG_ANNOUNCES_SCP10, bArray, bOffset, (short) (bOffset + bLength));
        inherited02 = scp02Option;
        inherited03 = scp03Option;
        inheritedOverTheAir = overTheAir;
    }

    public static void install(byte[] bArray, short bOffset, byte bLength) {
        new IssuerSecurityDomain(bArray, bOffset, (short) (bLength & 0xFF)).registerOwnAid();
    }

    short execute(byte group, byte ins, byte p1, byte p2) {
        if (personalization.takes(group, ins, p1)) {
            return personalization.execute(ins, p1, p2);
        }
        return group == Commands.CONTENT && !deletesKeys(ins)
                ? content.execute(ins, p1, p2)
                : super.execute(group, ins, p1, p2);
    }

    boolean namesSymmetricAlone() {
        return !announcesScp10;
    }

    /** A locked card takes its issuer's session, tells its registry, and is unlocked or terminated (GPCS 5.1.1.4). */
    boolean servesLockedCard(byte group, byte ins, byte p1) {
        return group == Commands.CHANNEL
                || ins == Gp.INS_GET_STATUS
                || (ins == Gp.INS_SET_STATUS && p1 == Gp.P1_STATUS_CARD);
    }
}

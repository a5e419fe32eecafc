package org.opentsm.securitydomain;

import javacard.framework.ISOException;

/** The form of INSTALL's data: fields with length bytes, all of it accounted for (GPCS 11.5.2.3). */
final class InstallData {

    private InstallData() { }

    private static void require(boolean held) {
        if (!held) {
            ISOException.throwIt(Gp.SW_WRONG_DATA);
        }
    }

    private static short aid(byte[] buffer, short field, short end) {
        short value = Tlv.afterLength(buffer, field, end);
        short length = Tlv.bareLength(buffer, field, end);
        require(length >= Gp.AID_MIN && length <= Gp.AID_MAX);
        return (short) (value + length);
    }

    /**
     * Checks {@code L ELF, L module, L instance, L privileges, L parameters, L token} of INSTALL
     * [for install]: privileges of one or three bytes, parameters with C9, no token (none is needed).
     */
    static void check(byte[] buffer, short offset, short end) {
        short at = aid(buffer, offset, end);
        at = aid(buffer, at, end);
        at = aid(buffer, at, end);
        short value = Tlv.afterLength(buffer, at, end);
        short length = Tlv.bareLength(buffer, at, end);
        require(length == 1 || length == 3);
        at = (short) (value + length);
        value = Tlv.afterLength(buffer, at, end);
        length = Tlv.bareLength(buffer, at, end);
        short behind = (short) (value + length);
        boolean applicationParameters = false;
        for (at = value; at < behind; at = Tlv.next(buffer, at, behind)) {
            if (Tlv.tag(buffer, at, behind) == Gp.TAG_INSTALL_PARAMETERS) {
                require(!applicationParameters);
                applicationParameters = true;
            }
        }
        require(applicationParameters && (short) (behind + 1) == end && buffer[behind] == 0);
    }

    /** Length of the AID in {@code 00 00 L AID 00 00 00}, which stands at offset + 3. */
    static short personalizationTarget(byte[] buffer, short offset, short end) {
        require((short) (end - offset) >= 6 && buffer[offset] == 0 && buffer[(short) (offset + 1)] == 0);
        short behind = aid(buffer, (short) (offset + 2), end);
        require(Tlv.afterLength(buffer, (short) (offset + 2), end) == (short) (offset + 3));
        require((short) (end - behind) == 3 && buffer[behind] == 0 && buffer[(short) (behind + 1)] == 0
                && buffer[(short) (behind + 2)] == 0);
        return (short) (behind - offset - 3);
    }
}

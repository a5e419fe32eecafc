// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.Util;

/** The form of INSTALL's data and of what install() gets: all of it accounted for (GPCS 11.5.2.3). */
final class InstallData {

    private InstallData() {}

    private static short aid(byte[] buffer, short field, short end) {
        short value = Tlv.afterLength(buffer, field, end);
        short length = Tlv.bareLength(buffer, field, end);
        Tlv.require(length >= Gp.AID_MIN && length <= Gp.AID_MAX);
        return (short) (value + length);
    }

    /** Length of the AID in {@code 00 00 L AID 00 00 00}, which stands at offset + 3. */
    static short personalizationTarget(byte[] buffer, short offset, short end) {
        Tlv.require((short) (end - offset) >= 6 && buffer[offset] == 0 && buffer[(short) (offset + 1)] == 0);
        short behind = aid(buffer, (short) (offset + 2), end);
        Tlv.require(Tlv.afterLength(buffer, (short) (offset + 2), end) == (short) (offset + 3));
        Tlv.require((short) (end - behind) == 3
                && buffer[behind] == 0
                && buffer[(short) (behind + 1)] == 0
                && buffer[(short) (behind + 2)] == 0);
        return (short) (behind - offset - 3);
    }

    /** Length byte of a field of install()'s data; the field lies before {@code end}. */
    static short lengthAt(byte[] buffer, short offset, short end) {
        Tlv.require(offset < end && (short) (buffer[offset] & 0xFF) < (short) (end - offset));
        return (short) (buffer[offset] & 0xFF);
    }

    /** True when C9 in install()'s checked data has an object of this tag. */
    static boolean has(short tag, byte[] buffer, short offset, short end) {
        short privileges = (short) (offset + 1 + lengthAt(buffer, offset, end));
        short parameters = (short) (privileges + 1 + lengthAt(buffer, privileges, end));
        short length = lengthAt(buffer, parameters, end);
        return Tlv.find(buffer, (short) (parameters + 1), (short) (parameters + 1 + length), tag) != Tlv.NONE;
    }

    /** C9's {@code 91 02 bits}: the one RSA size to make room for, or 0 for all. */
    static short keySize(byte[] buffer, short offset, short end) {
        short field = Tlv.find(buffer, offset, end, Gp.TAG_KEY_SIZE);
        if (field == Tlv.NONE) {
            return (short) 0;
        }
        Tlv.require(Tlv.length(buffer, field, end) == 2);
        short bits = Util.getShort(buffer, Tlv.value(buffer, field, end));
        Tlv.require(PublicKeys.sizeIndex((short) (bits >> 3)) != Tlv.NONE && (bits & 7) == 0);
        return bits;
    }

    /**
     * Checks C9's 81, which lists protocols and options: SCP10 with option 01 or 02, SCP02, SCP03 with an option of
     * Amendment D, and those over the air, which are no channels of APDUs (TS 102 226 8). True when it names one of
     * the last.
     */
    static boolean checkProtocols(byte[] buffer, short offset, short end) {
        short field = Tlv.find(buffer, offset, end, Gp.TAG_PROTOCOLS);
        boolean overTheAir = false;
        if (field == Tlv.NONE) {
            return overTheAir;
        }
        short behind = Tlv.next(buffer, field, end);
        short at = Tlv.value(buffer, field, end);
        Tlv.require(at < behind && ((short) (behind - at) & 1) == 0);
        for (; at < behind; at += 2) {
            byte option = buffer[(short) (at + 1)];
            switch (buffer[at]) {
                case Gp.SCP10:
                    Tlv.require(option == Gp.OPTION_KEY_AGREEMENT || option == Gp.OPTION_KEY_TRANSPORT);
                    break;
                case Gp.SCP02:
                    Tlv.require(option >= 0);
                    break;
                case Gp.SCP03:
                    Tlv.require(Scp03.isOption(option));
                    break;
                default:
                    Tlv.require(buffer[at] == Gp.SCP80 || buffer[at] == Gp.SCP81);
                    overTheAir = true;
                    break;
            }
        }
        return overTheAir;
    }

    /** True when C9's checked 81 names the protocol, or is not there: a domain has all then. */
    static boolean offers(byte protocol, byte[] buffer, short offset, short end) {
        return option(protocol, (byte) 0, buffer, offset, end) != Gp.NO_PROTOCOL;
    }

    /**
     * Option of a protocol that C9's checked 81 names; {@code inherited} without 81, NO_PROTOCOL when 81 does not name
     * the protocol.
     */
    static byte option(byte protocol, byte inherited, byte[] buffer, short offset, short end) {
        short field = Tlv.find(buffer, offset, end, Gp.TAG_PROTOCOLS);
        if (field == Tlv.NONE) {
            return inherited;
        }
        short behind = Tlv.next(buffer, field, end);
        for (short at = Tlv.value(buffer, field, end); at < behind; at += 2) {
            if (buffer[at] == protocol) {
                byte option = buffer[(short) (at + 1)];
                // SCP02 has no option 00: the parent's (card-management practice)
                return protocol == Gp.SCP02 && option == 0 ? inherited : option;
            }
        }
        return Gp.NO_PROTOCOL;
    }
}

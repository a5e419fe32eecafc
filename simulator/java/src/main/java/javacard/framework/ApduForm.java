// SPDX-License-Identifier: Apache-2.0
package javacard.framework;

import java.util.Arrays;

/**
 * A command APDU taken apart, ISO 7816-4 5.2 and 5.4.1: header, data and Le of the seven forms of cases 1 to 4.
 * It is of the simulator, not of the API; applets do not see it.
 */
public final class ApduForm {

    /** No Le field. */
    public static final int ABSENT = -1;
    /** 4 header bytes, Lc, 255 bytes of data, Le. */
    public static final int SHORT_BUFFER = 261;
    /** The longest command taken: header 4, Lc 3, data as long as a short counts, Le 2. */
    public static final int MAX_LENGTH = 4 + 3 + Short.MAX_VALUE + 2;

    private static final int HEADER = 4;
    private static final int SHORT_DATA = 5;
    private static final int EXTENDED_DATA = 7;
    private static final int SHORT_MAXIMUM = 256;
    private static final int EXTENDED_MAXIMUM = 65_536;
    private static final int FURTHER = 0x40;
    private static final int FIRST_FURTHER_CHANNEL = 4;

    private final byte[] command;
    private final boolean extended;
    private final int dataLength;
    private final int expected;
    /** The channel it came on where that is not in its class byte; else -1. */
    private int channel = -1;

    private ApduForm(byte[] command, boolean extended, int dataLength, int expected) {
        this.command = command;
        this.extended = extended;
        this.dataLength = dataLength;
        this.expected = expected;
    }

    /** Null when lengths and fields disagree, which is 6700. */
    public static ApduForm parse(byte[] command) {
        int length = command.length;
        if (length == HEADER) {
            return new ApduForm(command, false, 0, ABSENT);
        }
        if (length < HEADER || length > MAX_LENGTH) {
            return null;
        }
        int third = command[HEADER] & 0xFF;
        if (length == SHORT_DATA) {
            return new ApduForm(command, false, 0, third == 0 ? SHORT_MAXIMUM : third);
        }
        if (third != 0) {
            int behind = length - SHORT_DATA - third;
            int le = behind == 1 ? command[length - 1] & 0xFF : ABSENT;
            return behind == 0 || behind == 1
                    ? new ApduForm(command, false, third, le == 0 ? SHORT_MAXIMUM : le)
                    : null;
        }
        if (length < EXTENDED_DATA) {
            return null;
        }
        int field = number(command, SHORT_DATA);
        if (length == EXTENDED_DATA) {
            return new ApduForm(command, true, 0, field == 0 ? EXTENDED_MAXIMUM : field);
        }
        int behind = length - EXTENDED_DATA - field;
        if (field == 0 || behind != 0 && behind != 2) {
            return null;
        }
        int le = behind == 2 ? number(command, length - 2) : ABSENT;
        return new ApduForm(command, true, field, le == 0 ? EXTENDED_MAXIMUM : le);
    }

    /** The same command on a channel that its class byte does not name. */
    public ApduForm onChannel(int number) {
        ApduForm moved = new ApduForm(command, extended, dataLength, expected);
        moved.channel = number;
        return moved;
    }

    private static int number(byte[] bytes, int offset) {
        return (bytes[offset] & 0xFF) << 8 | bytes[offset + 1] & 0xFF;
    }

    /** The short form of a command that has one, else the command as it came. */
    public byte[] shortened() {
        if (!extended || dataLength > 0xFF || expected > SHORT_MAXIMUM && expected != EXTENDED_MAXIMUM) {
            return command;
        }
        int le = expected == ABSENT ? 0 : 1;
        int lc = dataLength == 0 ? 0 : 1;
        byte[] made = Arrays.copyOf(command, HEADER + lc + dataLength + le);
        if (lc == 1) {
            made[HEADER] = (byte) dataLength;
            System.arraycopy(command, EXTENDED_DATA, made, SHORT_DATA, dataLength);
        }
        if (le == 1) {
            made[made.length - 1] = (byte) expected;
        }
        return made;
    }

    public int cla() {
        return command[0] & 0xFF;
    }

    public int ins() {
        return command[1] & 0xFF;
    }

    public int p1() {
        return command[2] & 0xFF;
    }

    public int p2() {
        return command[3] & 0xFF;
    }

    public boolean isExtended() {
        return extended;
    }

    public int dataLength() {
        return dataLength;
    }

    /** Le as a number of bytes, 256 or 65,536 for 00, or {@link #ABSENT}. */
    public int expected() {
        return expected;
    }

    /** Where the data stands in the APDU buffer. */
    int dataOffset() {
        return extended ? EXTENDED_DATA : SHORT_DATA;
    }

    /** A copy of the command's data. */
    public byte[] data() {
        // A command of case 1 ends before the place of its data.
        return dataLength == 0 ? new byte[0] : Arrays.copyOfRange(command, dataOffset(), dataOffset() + dataLength);
    }

    /** True for the same header and data, whatever Le: what T=0 sends again after 6CXX. */
    public boolean repeats(ApduForm other) {
        return dataLength == other.dataLength
                && Arrays.equals(Arrays.copyOf(command, HEADER), Arrays.copyOf(other.command, HEADER))
                && Arrays.equals(data(), other.data());
    }

    void putHeader(byte[] buffer) {
        int length = dataLength == 0 ? command.length : dataOffset();
        System.arraycopy(command, 0, buffer, 0, length);
    }

    /** Copies data from {@code from} on, as much as there is room for. Returns how much. */
    int putData(int from, byte[] buffer, int offset) {
        int length = Math.min(dataLength - from, buffer.length - offset);
        if (length > 0) {
            System.arraycopy(command, dataOffset() + from, buffer, offset, length);
        }
        return Math.max(0, length);
    }

    static boolean isValidClass(int cla) {
        return cla != 0xFF && (cla & 0xE0) != 0x20;
    }

    private boolean isFurther() {
        return (cla() & FURTHER) != 0;
    }

    /**
     * Channel of the class byte: 0 to 3 in first interindustry values and GlobalPlatform's 8X, 4 to 19 in further ones.
     */
    public byte channel() {
        if (channel >= 0) {
            return (byte) channel;
        }
        return (byte) (isFurther() ? FIRST_FURTHER_CHANNEL + (cla() & 0x0F) : cla() & 0x03);
    }

    boolean isChained() {
        return (cla() & 0x10) != 0;
    }

    boolean isSecured() {
        return isFurther() ? (cla() & 0x20) != 0 : (cla() & 0x0C) != 0;
    }
}

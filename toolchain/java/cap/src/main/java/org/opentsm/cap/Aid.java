// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;

/** An application identifier of 5 to 16 bytes (ISO/IEC 7816-5): 5 bytes RID, then the PIX. */
public final class Aid {
    private final byte[] bytes;

    public Aid(byte[] bytes) {
        if (bytes.length < 5 || bytes.length > 16) {
            throw new CapFormatException("AID", -1, "5 to 16 bytes", bytes.length + " bytes");
        }
        this.bytes = bytes.clone();
    }

    /** Takes plain hex ("A0000000620001"). */
    public static Aid ofHex(String hex) {
        return new Aid(HexFormat.of().parseHex(hex));
    }

    /**
     * Takes what people and the vendor's tools write: plain hex ("A0000000620001"), bytes with 0x, colons, semicolons,
     * commas or blanks between them ("0xA0:0x0:0x0:0x0:0x62"), where a byte may have one digit, and the URL form
     * ("//aid/A000000062/0001").
     *
     * @throws IllegalArgumentException when it is not hex, or a part has an odd number of digits and more than one
     * @throws CapFormatException       when it is not 5 to 16 bytes
     */
    public static Aid ofText(String text) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        String parts = text.strip().replaceFirst("(?i)^//aid/", "").replaceFirst("/", ":");
        for (String part : parts.split("[\\s:;,]+|(?i:0x)")) {
            bytes.writeBytes(HexFormat.of().parseHex(part.length() == 1 ? "0" + part : part));
        }
        return new Aid(bytes.toByteArray());
    }

    public byte[] bytes() {
        return bytes.clone();
    }

    public int length() {
        return bytes.length;
    }

    /** True when both AIDs belong to the same registered provider (first five bytes). */
    public boolean sameRid(Aid other) {
        return Arrays.equals(bytes, 0, 5, other.bytes, 0, 5);
    }

    /** True for a name such as 1PAY.SYS.DDF01 or 2PAY.SYS.DDF01, which EMV uses in place of an AID with a RID. */
    public boolean isPaymentDirectory() {
        return new String(bytes, StandardCharsets.ISO_8859_1).matches("[12]PAY\\.SYS\\.DDF\\d\\d");
    }

    /** The manifest spelling, "0xa0:0x00:0x00". */
    public String toColonHex() {
        StringBuilder text = new StringBuilder();
        for (byte value : bytes) {
            text.append(text.length() == 0 ? "" : ":").append(String.format(Locale.ROOT, "0x%02x", value & 0xFF));
        }
        return text.toString();
    }

    static Aid read(ByteReader in) {
        int at = in.position();
        int length = in.u1();
        if (length < 5 || length > 16) {
            throw new CapFormatException(in.component(), at, "an AID length of 5 to 16", String.valueOf(length));
        }
        return new Aid(in.bytes(length));
    }

    void write(ByteWriter out) {
        out.u1(bytes.length).bytes(bytes);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Aid aid && Arrays.equals(bytes, aid.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    /** Upper-case hex. */
    @Override
    public String toString() {
        return HexFormat.of().withUpperCase().formatHex(bytes);
    }
}

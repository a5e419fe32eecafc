// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator;

import java.util.HexFormat;

/** Bytes as hex digits, at the edges only. */
public final class Hex {

    private static final HexFormat FORMAT = HexFormat.of().withUpperCase();

    private Hex() {}

    /** @throws IllegalArgumentException on an odd number of digits or another character */
    public static byte[] decode(String text) {
        return FORMAT.parseHex(text);
    }

    public static String encode(byte[] bytes) {
        return FORMAT.formatHex(bytes);
    }
}

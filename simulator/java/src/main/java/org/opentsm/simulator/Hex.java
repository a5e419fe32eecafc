package org.opentsm.simulator;

import java.util.HexFormat;

/** Bytes as hex digits, at the edges only. */
final class Hex {

    private static final HexFormat FORMAT = HexFormat.of().withUpperCase();

    private Hex() {
    }

    /** @throws IllegalArgumentException on an odd number of digits or another character */
    static byte[] decode(String text) {
        return FORMAT.parseHex(text);
    }

    static String encode(byte[] bytes) {
        return FORMAT.formatHex(bytes);
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Strict UTF-8, so that a decoded name always encodes to the bytes it came from. */
public final class Text {
    private Text() {}

    /** @throws CapFormatException when the next length bytes are not UTF-8 */
    public static String decode(ByteReader in, int length) {
        int at = in.position();
        byte[] bytes = in.bytes(length);
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new CapFormatException(in.component(), at, "UTF-8 text", "other bytes");
        }
    }

    public static byte[] encode(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}

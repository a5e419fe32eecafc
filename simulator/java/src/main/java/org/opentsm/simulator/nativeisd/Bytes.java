// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

import java.io.ByteArrayOutputStream;

/** Puts answers together. */
final class Bytes {

    private Bytes() {}

    static byte[] concat(byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }

    static byte[] of(int... values) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            bytes[i] = (byte) values[i];
        }
        return bytes;
    }

    /** A BER-TLV object; tags of one or two bytes. */
    static byte[] tlv(int tag, byte[]... value) {
        byte[] content = concat(value);
        byte[] head = tag > 0xFF ? of(tag >> 8, tag) : of(tag);
        byte[] length = content.length < 0x80
                ? of(content.length)
                : content.length < 0x100 ? of(0x81, content.length) : of(0x82, content.length >> 8, content.length);
        return concat(head, length, content);
    }

    static byte[] status(int status) {
        return of(status >> 8, status);
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.util.ArrayList;
import java.util.List;

/**
 * Component 9: where Method holds constant pool indexes, as deltas from the previous place.
 * A delta byte FF adds 255 and marks no place.
 */
public record ReferenceLocationComponent(byte[] byteDeltas, byte[] byte2Deltas) implements Component {
    /**
     * @param bytePositions  Method info offsets of 1-byte indexes, ascending
     * @param byte2Positions Method info offsets of 2-byte indexes and of non-zero catch types, ascending
     */
    public static ReferenceLocationComponent of(List<Integer> bytePositions, List<Integer> byte2Positions) {
        return new ReferenceLocationComponent(encode(bytePositions), encode(byte2Positions));
    }

    public static ReferenceLocationComponent read(byte[] info) {
        ByteReader in = new ByteReader("RefLocation", info);
        byte[] first = in.bytes(in.u2());
        byte[] second = in.bytes(in.u2());
        in.expectEnd();
        ReferenceLocationComponent result = new ReferenceLocationComponent(first, second);
        result.bytePositions();
        result.byte2Positions();
        return result;
    }

    public List<Integer> bytePositions() {
        return decode(byteDeltas);
    }

    public List<Integer> byte2Positions() {
        return decode(byte2Deltas);
    }

    private static List<Integer> decode(byte[] deltas) {
        List<Integer> positions = new ArrayList<>();
        int position = 0;
        for (int i = 0; i < deltas.length; i++) {
            int delta = deltas[i] & 0xFF;
            position += delta;
            if (delta < 0xFF) {
                positions.add(position);
            } else if (i == deltas.length - 1) {
                throw new CapFormatException("RefLocation", -1, "a place after delta FF", "the end of the list");
            }
        }
        return positions;
    }

    private static byte[] encode(List<Integer> positions) {
        ByteWriter out = new ByteWriter();
        int previous = 0;
        for (int position : positions) {
            int distance = position - previous;
            for (; distance >= 0xFF; distance -= 0xFF) {
                out.u1(0xFF);
            }
            out.u1(distance);
            previous = position;
        }
        return out.toByteArray();
    }

    @Override
    public int tag() {
        return ComponentTag.REFERENCE_LOCATION.value();
    }

    @Override
    public byte[] info() {
        return new ByteWriter()
                .u2(byteDeltas.length)
                .bytes(byteDeltas)
                .u2(byte2Deltas.length)
                .bytes(byte2Deltas)
                .toByteArray();
    }
}

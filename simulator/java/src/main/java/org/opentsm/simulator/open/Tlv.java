// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;

/**
 * One BER-TLV data object of a command: tag of one or two bytes, length of one byte, 81 xx, 82 xxxx or 83 xxxxxx.
 *
 * @param tag both bytes of a tag like 5F20, else one
 */
record Tlv(int tag, byte[] value) {

    private static final int MULTI_BYTE_TAG = 0x1F;

    /** All objects of {@code bytes}. @throws ISOException 6A80 unless they fill it exactly */
    static List<Tlv> all(byte[] bytes) {
        List<Tlv> found = new ArrayList<>();
        for (LvReader in = new LvReader(bytes, 0, bytes.length); !in.atEnd(); ) {
            found.add(next(in));
        }
        return found;
    }

    static Tlv next(LvReader in) {
        int tag = in.unsigned();
        if ((tag & MULTI_BYTE_TAG) == MULTI_BYTE_TAG) {
            tag = tag << 8 | in.unsigned();
            if ((tag & 0x80) != 0) {
                throw new ISOException(ISO7816.SW_WRONG_DATA);
            }
        }
        return new Tlv(tag, in.value());
    }

    /** Value of the one object with this tag, or null. @throws ISOException 6A80 when there are two */
    static byte[] find(List<Tlv> objects, int tag) {
        List<Tlv> matching =
                objects.stream().filter(object -> object.tag == tag).toList();
        if (matching.size() > 1) {
            throw new ISOException(ISO7816.SW_WRONG_DATA);
        }
        return matching.isEmpty() ? null : matching.get(0).value;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Tlv tlv && tlv.tag == tag && Arrays.equals(tlv.value, value);
    }

    @Override
    public int hashCode() {
        return 31 * tag + Arrays.hashCode(value);
    }
}

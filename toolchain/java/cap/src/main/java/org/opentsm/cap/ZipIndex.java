// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;

/**
 * A zip's central directory. It must list the very entries that lie in the file one after another: readers that go by
 * the one or the other would else see different CAPs.
 */
final class ZipIndex {
    private static final int END_SIZE = 22;
    private static final int ENTRY_SIZE = 46;
    private static final int MAX_COMMENT = 0xFFFF;

    private ZipIndex() {
    }

    /** @throws CapFormatException when directory and entries differ */
    static void check(byte[] zip, List<CapZip.Item> items) {
        int end = findEnd(zip);
        int count = u2(zip, end + 10);
        if (count != items.size()) {
            throw broken(end, "a central directory of " + items.size() + " entries", String.valueOf(count));
        }
        Map<String, CapZip.Item> byName = new HashMap<>();
        items.forEach(item -> byName.put(item.name(), item));
        int size = u4(zip, end + 12);
        int at = end - size;
        // Bytes before the first entry move every place by the same distance.
        int shift = at - u4(zip, end + 16);
        if (size < 0 || at < 0 || shift < 0) {
            throw broken(end, "a central directory inside the file", size + " bytes");
        }
        for (int i = 0; i < count; i++) {
            if (at + ENTRY_SIZE > end || u4(zip, at) != 0x02014B50) {
                throw broken(at, "a central directory entry", "other bytes");
            }
            int nameLength = u2(zip, at + 28);
            int next = at + ENTRY_SIZE + nameLength + u2(zip, at + 30) + u2(zip, at + 32);
            if (next > end) {
                throw broken(at, "an entry inside the directory", (next - end) + " bytes more");
            }
            String name = new String(zip, at + ENTRY_SIZE, nameLength, StandardCharsets.UTF_8);
            checkEntry(zip, at, name, byName.remove(name), u4(zip, at + 42) + shift);
            at = next;
        }
    }

    private static void checkEntry(byte[] zip, int at, String name, CapZip.Item item, int local) {
        if (item == null) {
            throw broken(at, "an entry of the file", "\"" + name + "\"");
        }
        CRC32 crc = new CRC32();
        crc.update(item.content());
        boolean same = (int) crc.getValue() == u4(zip, at + 16) && item.content().length == u4(zip, at + 24);
        int nameLength = u2(zip, at + 28);
        boolean placed = local >= 0 && local + 30L + nameLength <= at && u4(zip, local) == 0x04034B50 && u2(zip, local + 26) == nameLength
            && java.util.Arrays.equals(zip, local + 30, local + 30 + nameLength, zip, at + ENTRY_SIZE, at + ENTRY_SIZE + nameLength);
        if (!same || !placed) {
            throw broken(at, "the directory to describe " + name + " as it is", "another size, checksum or place");
        }
    }

    private static int findEnd(byte[] zip) {
        int lowest = Math.max(0, zip.length - END_SIZE - MAX_COMMENT);
        for (int at = zip.length - END_SIZE; at >= lowest; at--) {
            if (u4(zip, at) == 0x06054B50 && at + END_SIZE + u2(zip, at + 20) == zip.length) {
                return at;
            }
        }
        throw broken(-1, "an end of central directory record", "none");
    }

    private static CapFormatException broken(int at, String expected, String got) {
        return new CapFormatException("zip", at, expected, got);
    }

    private static int u2(byte[] zip, int at) {
        return zip[at] & 0xFF | (zip[at + 1] & 0xFF) << 8;
    }

    private static int u4(byte[] zip, int at) {
        return u2(zip, at) | u2(zip, at + 2) << 16;
    }
}

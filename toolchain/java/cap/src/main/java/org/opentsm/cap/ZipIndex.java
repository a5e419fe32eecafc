// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * A zip's central directory, and the local entries it must agree with: they follow each other from the first byte on.
 * Readers that go by the directory and readers that go by the entries so see the same CAP.
 */
final class ZipIndex {
    private static final int END_SIZE = 22;
    private static final int ENTRY_SIZE = 46;
    private static final int LOCAL_SIZE = 30;
    private static final int MAX_COMMENT = 0xFFFF;
    private static final int MAX_DATA_DESCRIPTOR = 16;
    private static final int STORED = 0;
    private static final int DEFLATED = 8;

    private ZipIndex() {}

    /** An entry: where its local header and its data are, and what they hold. */
    record Place(String name, int header, int data, int method, int packedSize, int size, int crc) {
        /** The content, exactly size bytes with the noted checksum. */
        byte[] content(byte[] zip) {
            byte[] content = method == STORED ? Arrays.copyOfRange(zip, data, data + packedSize) : inflate(zip);
            CRC32 sum = new CRC32();
            sum.update(content);
            if (content.length != size || (int) sum.getValue() != crc) {
                throw broken(
                        header,
                        size + " bytes of " + name + " with the noted checksum",
                        content.length + " other bytes");
            }
            return content;
        }

        private byte[] inflate(byte[] zip) {
            Inflater inflater = new Inflater(true);
            try {
                inflater.setInput(zip, data, packedSize);
                byte[] content = new byte[size];
                int length = 0;
                while (length < size) {
                    int count = inflater.inflate(content, length, size - length);
                    if (count == 0) {
                        throw broken(data, size + " inflated bytes of " + name, length + " bytes");
                    }
                    length += count;
                }
                if (inflater.inflate(new byte[1]) != 0
                        || !inflater.finished()
                        || inflater.getBytesRead() != packedSize) {
                    throw broken(data, name + " to end after " + size + " bytes", "more data");
                }
                return content;
            } catch (DataFormatException e) {
                throw broken(data, "deflated data of " + name, String.valueOf(e.getMessage()));
            } finally {
                inflater.end();
            }
        }
    }

    /** All entries by their place in the file. */
    static List<Place> read(byte[] zip, int maxEntries) {
        int end = findEnd(zip);
        int count = u2(zip, end + 10);
        int size = u4(zip, end + 12);
        int start = u4(zip, end + 16);
        if (count > maxEntries) {
            throw broken(end, "at most " + maxEntries + " entries", String.valueOf(count));
        }
        if (start < 0 || size < 0 || start > end || size != end - start || u2(zip, end + 8) != count) {
            throw broken(end, "a central directory right before its end record", size + " bytes at " + start);
        }
        List<Place> places = new ArrayList<>();
        int at = start;
        for (int i = 0; i < count; i++) {
            if (at + ENTRY_SIZE > end || u4(zip, at) != 0x02014B50) {
                throw broken(at, "a central directory entry", "other bytes");
            }
            int next = at + ENTRY_SIZE + u2(zip, at + 28) + u2(zip, at + 30) + u2(zip, at + 32);
            if (next > end) {
                throw broken(at, "an entry inside the directory", (next - end) + " bytes more");
            }
            places.add(place(zip, at, start));
            at = next;
        }
        if (at != end) {
            throw broken(at, "the end of the directory", (end - at) + " more bytes");
        }
        places.sort(Comparator.comparingInt(Place::header));
        checkContiguous(places, start);
        return places;
    }

    private static Place place(byte[] zip, int at, int directory) {
        int nameLength = u2(zip, at + 28);
        String name =
                Text.decode(new ByteReader("zip", zip, at + ENTRY_SIZE, at + ENTRY_SIZE + nameLength), nameLength);
        int header = u4(zip, at + 42);
        int packed = u4(zip, at + 20);
        int size = u4(zip, at + 24);
        int method = u2(zip, at + 10);
        boolean encrypted = (u2(zip, at + 8) & 1) != 0;
        if (encrypted
                || method != STORED && method != DEFLATED
                || packed < 0
                || size < 0
                || method == STORED && packed != size) {
            throw broken(at, "a plain stored or deflated entry", name);
        }
        boolean sameName = header >= 0
                && header + (long) LOCAL_SIZE + nameLength <= directory
                && u4(zip, header) == 0x04034B50
                && u2(zip, header + 26) == nameLength
                && u2(zip, header + 8) == method
                && Arrays.equals(
                        zip,
                        header + LOCAL_SIZE,
                        header + LOCAL_SIZE + nameLength,
                        zip,
                        at + ENTRY_SIZE,
                        at + ENTRY_SIZE + nameLength);
        if (!sameName) {
            throw broken(at, "a local header like the directory's entry of " + name, "another one");
        }
        int data = header + LOCAL_SIZE + nameLength + u2(zip, header + 28);
        if (data > directory || packed > directory - data) {
            throw broken(at, name + " inside the file", packed + " bytes at " + data);
        }
        return new Place(name, header, data, method, packed, size, u4(zip, at + 16));
    }

    /** Between the data of one entry and the next header there is room for a data descriptor at most. */
    private static void checkContiguous(List<Place> places, int directory) {
        int free = 0;
        int slack = 0;
        for (Place place : places) {
            if (place.header < free || place.header > free + slack) {
                throw broken(place.header, place.name + " to follow the entry before", "a gap or an overlap");
            }
            free = place.data + place.packedSize;
            slack = MAX_DATA_DESCRIPTOR;
        }
        if (directory < free || directory > free + slack) {
            throw broken(directory, "the directory to follow the last entry", "a gap or an overlap");
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

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapZip;

/** Changes bytes of a CAP's component files; offsets count from the tag byte. */
final class Patch {
    private final List<CapZip.Item> items;

    Patch(CapFile cap) {
        items = new ArrayList<>(CapZip.read(cap.toZip()));
    }

    private int index(String name) {
        for (int i = 0; i < items.size(); i++) {
            if (items.get(i).name().endsWith("/" + name + ".cap")) {
                return i;
            }
        }
        throw new IllegalArgumentException("no " + name);
    }

    int size(String name) {
        return items.get(index(name)).content().length;
    }

    Patch add(String name, int offset, int value) {
        byte[] bytes = items.get(index(name)).content();
        bytes[offset] += value;
        return this;
    }

    Patch or(String name, int offset, int bits) {
        byte[] bytes = items.get(index(name)).content();
        bytes[offset] |= bits;
        return this;
    }

    Patch set(String name, int offset, int... values) {
        byte[] bytes = items.get(index(name)).content();
        for (int i = 0; i < values.length; i++) {
            bytes[offset + i] = (byte) values[i];
        }
        return this;
    }

    /** Inserts a byte and corrects the size field. */
    Patch insert(String name, int offset, int value) {
        int at = index(name);
        byte[] old = items.get(at).content();
        byte[] bytes = Arrays.copyOf(old, old.length + 1);
        bytes[offset] = (byte) value;
        System.arraycopy(old, offset, bytes, offset + 1, old.length - offset);
        bytes[1] = (byte) (bytes.length - 3 >> 8);
        bytes[2] = (byte) (bytes.length - 3);
        items.set(at, new CapZip.Item(items.get(at).name(), bytes));
        return this;
    }

    /** File offset of Descriptor's cp_count. */
    int typesAt() {
        byte[] bytes = items.get(index("Descriptor")).content();
        int at = 4;
        for (int count = bytes[3]; count > 0; count--) {
            int fields = (bytes[at + 5] & 0xFF) << 8 | bytes[at + 6] & 0xFF;
            int methods = (bytes[at + 7] & 0xFF) << 8 | bytes[at + 8] & 0xFF;
            at += 9 + 2 * bytes[at + 4] + 7 * fields + 12 * methods;
        }
        return at;
    }

    CapFile cap() {
        return CapFile.read(CapZip.write(items));
    }
}

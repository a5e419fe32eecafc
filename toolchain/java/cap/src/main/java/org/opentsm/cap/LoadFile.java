// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/** Helpers of {@link CapFile}: the wrapping of a load file, and the Directory made from the other components. */
final class LoadFile {
    private static final int TAG_DAP_BLOCK = 0xE2;
    private static final int TAG_LOAD_FILE = 0xC4;

    private LoadFile() {}

    /** A reader over the components alone, past DAP blocks and the C4 head when there are any. */
    static ByteReader unwrap(byte[] bytes) {
        ByteReader in = new ByteReader("Load File", bytes);
        while (in.remaining() > 0 && (bytes[in.position()] & 0xFF) == TAG_DAP_BLOCK) {
            in.u1();
            in.bytes(berLength(in));
        }
        if (in.remaining() > 0 && (bytes[in.position()] & 0xFF) == TAG_LOAD_FILE) {
            in.u1();
            int length = berLength(in);
            if (length != in.remaining()) {
                throw new CapFormatException(
                        "Load File", in.position(), in.remaining() + " bytes under C4", String.valueOf(length));
            }
        }
        return in;
    }

    private static int berLength(ByteReader in) {
        int at = in.position();
        int first = in.u1();
        if (first < 0x80) {
            return first;
        }
        int count = first & 0x7F;
        if (count == 0 || count > 3) {
            throw new CapFormatException(
                    "Load File", at, "a BER length of at most three bytes", String.format("%02X", first));
        }
        int length = 0;
        for (int i = 0; i < count; i++) {
            length = length << 8 | in.u1();
        }
        return length;
    }

    static DirectoryComponent directory(CapFile cap, List<DirectoryComponent.Custom> customs) {
        CapVersion version = cap.header().version();
        int count = DirectoryComponent.sizeCount(version);
        List<Integer> sizes = new ArrayList<>();
        int directorySize = 2 * count
                + (version == CapVersion.V2_3 ? 4 : 0)
                + 9
                + customs.stream().mapToInt(line -> 4 + line.aid().length()).sum();
        for (int tag = 1; tag <= count; tag++) {
            int size = cap.component(ComponentTag.of(tag).orElseThrow())
                    .map(part -> part.info().length)
                    .orElse(0);
            sizes.add(tag == ComponentTag.DIRECTORY.value() ? directorySize : size);
        }
        OptionalInt resources = OptionalInt.empty();
        if (version == CapVersion.V2_3) {
            resources = OptionalInt.of(cap.component(ComponentTag.STATIC_RESOURCES)
                    .map(part -> part.info().length)
                    .orElse(0));
        }
        StaticFieldComponent image = cap.staticFields();
        return new DirectoryComponent(
                sizes,
                resources,
                image.imageSize(),
                image.arrayInits().size(),
                image.arrayInitSize(),
                cap.imports().packages().size(),
                cap.applet().map(applet -> applet.applets().size()).orElse(0),
                customs);
    }
}

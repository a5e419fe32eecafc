// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * Component 2: the size of every component (index = tag-1, 0 when absent) and the static image's figures.
 *
 * @param componentSizes      11 sizes in CAP 2.1, 12 from 2.2 on
 * @param staticResourcesSize the u4 of CAP 2.3; empty before
 */
public record DirectoryComponent(
        List<Integer> componentSizes,
        OptionalInt staticResourcesSize,
        int imageSize,
        int arrayInitCount,
        int arrayInitSize,
        int importCount,
        int appletCount,
        List<Custom> customs)
        implements Component {
    /** A custom component's line: tag 128 to 255, its size and the AID that defines it. */
    public record Custom(int tag, int size, Aid aid) {}

    public DirectoryComponent {
        componentSizes = List.copyOf(componentSizes);
        customs = List.copyOf(customs);
    }

    /** Number of u2 sizes in a version. */
    public static int sizeCount(CapVersion version) {
        return version == CapVersion.V2_1 ? 11 : 12;
    }

    public static DirectoryComponent read(byte[] info, CapVersion version) {
        ByteReader in = new ByteReader("Directory", info);
        List<Integer> sizes = in.u2s(sizeCount(version));
        OptionalInt resources = version == CapVersion.V2_3 ? OptionalInt.of(in.s4()) : OptionalInt.empty();
        int imageSize = in.u2();
        int arrayInitCount = in.u2();
        int arrayInitSize = in.u2();
        int imports = in.u1();
        int applets = in.u1();
        int customCount = in.u1();
        List<Custom> customs = new ArrayList<>();
        for (int i = 0; i < customCount; i++) {
            customs.add(new Custom(in.u1(), in.u2(), Aid.read(in)));
        }
        in.expectEnd();
        return new DirectoryComponent(
                sizes, resources, imageSize, arrayInitCount, arrayInitSize, imports, applets, customs);
    }

    /** The size noted for a component, 0 when the version has no place for it. */
    public int sizeOf(ComponentTag tag) {
        if (tag == ComponentTag.STATIC_RESOURCES) {
            return staticResourcesSize.orElse(0);
        }
        return tag.value() <= componentSizes.size() ? componentSizes.get(tag.value() - 1) : 0;
    }

    @Override
    public int tag() {
        return ComponentTag.DIRECTORY.value();
    }

    @Override
    public byte[] info() {
        ByteWriter out = new ByteWriter().u2s(componentSizes);
        staticResourcesSize.ifPresent(out::s4);
        out.u2(imageSize)
                .u2(arrayInitCount)
                .u2(arrayInitSize)
                .u1(importCount)
                .u1(appletCount)
                .u1(customs.size());
        for (Custom custom : customs) {
            out.u1(custom.tag).u2(custom.size);
            custom.aid.write(out);
        }
        return out.toByteArray();
    }
}

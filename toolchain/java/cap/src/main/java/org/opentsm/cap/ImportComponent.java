// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.util.ArrayList;
import java.util.List;

/** Component 4: {@code u1 count; package_info[count]}; the position in the list is the package token. */
public record ImportComponent(List<PackageInfo> packages) implements Component {
    public ImportComponent {
        packages = List.copyOf(packages);
    }

    public static ImportComponent read(byte[] info) {
        ByteReader in = new ByteReader("Import", info);
        int count = in.u1();
        if (count > 128) {
            throw new CapFormatException("Import", 0, "at most 128 packages", String.valueOf(count));
        }
        List<PackageInfo> packages = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            packages.add(PackageInfo.read(in));
        }
        in.expectEnd();
        return new ImportComponent(packages);
    }

    @Override
    public int tag() {
        return ComponentTag.IMPORT.value();
    }

    @Override
    public byte[] info() {
        ByteWriter out = new ByteWriter().u1(packages.size());
        packages.forEach(item -> item.write(out));
        return out.toByteArray();
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.util.Optional;

/**
 * Component 1: {@code u4 DECAFFED; u1 minor; u1 major; u1 flags; package; [2.2+: u1 length; utf8 name]}.
 *
 * @param packageName package path with "/", may be ""; empty Optional in 2.1, where the field is absent
 */
public record HeaderComponent(CapVersion version, int flags, PackageInfo packageInfo, Optional<String> packageName)
        implements Component {
    public static final int MAGIC = 0xDECAFFED;
    public static final int ACC_INT = 1;
    public static final int ACC_EXPORT = 2;
    public static final int ACC_APPLET = 4;
    public static final int ACC_EXTENDED = 8;

    public HeaderComponent {
        if ((version == CapVersion.V2_1) == packageName.isPresent()) {
            throw new IllegalArgumentException("the package name exists from CAP 2.2 on, version is " + version);
        }
    }

    public static HeaderComponent read(byte[] info) {
        ByteReader in = new ByteReader("Header", info);
        int magic = in.s4();
        if (magic != MAGIC) {
            throw new CapFormatException("Header", 0, "magic DECAFFED", String.format("%08X", magic));
        }
        int minor = in.u1();
        CapVersion version = CapVersion.of(in.u1(), minor);
        int flags = in.u1();
        if ((flags & ACC_EXTENDED) != 0) {
            throw new CapFormatException("Header", 6, "a compact CAP", "the extended format, which is not supported");
        }
        PackageInfo packageInfo = PackageInfo.read(in);
        Optional<String> name = Optional.empty();
        if (version != CapVersion.V2_1) {
            name = Optional.of(Text.decode(in, in.u1()));
        }
        in.expectEnd();
        return new HeaderComponent(version, flags, packageInfo, name);
    }

    @Override
    public int tag() {
        return ComponentTag.HEADER.value();
    }

    @Override
    public byte[] info() {
        ByteWriter out = new ByteWriter()
                .s4(MAGIC)
                .u1(version.minor())
                .u1(version.major())
                .u1(flags);
        packageInfo.write(out);
        packageName.ifPresent(name -> {
            byte[] utf8 = Text.encode(name);
            out.u1(utf8.length).bytes(utf8);
        });
        return out.toByteArray();
    }
}

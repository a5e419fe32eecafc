// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

/** A package with its version, as Header and Import write it: {@code u1 minor; u1 major; u1 aidLength; aid}. */
public record PackageInfo(int minor, int major, Aid aid) {
    static PackageInfo read(ByteReader in) {
        return new PackageInfo(in.u1(), in.u1(), Aid.read(in));
    }

    void write(ByteWriter out) {
        out.u1(minor).u1(major);
        aid.write(out);
    }

    @Override
    public String toString() {
        return aid + " " + major + "." + minor;
    }
}

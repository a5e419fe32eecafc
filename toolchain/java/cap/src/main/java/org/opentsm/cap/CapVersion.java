// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

/** CAP format version of the Header: 2.1, 2.2 or 2.3 (compact). */
public enum CapVersion {
    V2_1(2, 1),
    V2_2(2, 2),
    V2_3(2, 3);

    private final int major;
    private final int minor;

    CapVersion(int major, int minor) {
        this.major = major;
        this.minor = minor;
    }

    public int major() {
        return major;
    }

    public int minor() {
        return minor;
    }

    /** @throws CapFormatException for any version but 2.1, 2.2 and 2.3 */
    public static CapVersion of(int major, int minor) {
        for (CapVersion version : values()) {
            if (version.major == major && version.minor == minor) {
                return version;
            }
        }
        throw new CapFormatException("Header", 4, "CAP format 2.1, 2.2 or 2.3", major + "." + minor);
    }

    @Override
    public String toString() {
        return major + "." + minor;
    }
}

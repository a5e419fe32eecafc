// SPDX-License-Identifier: Apache-2.0
package org.opentsm.api;

/** The version of a Java Card package, major.minor, both 0 to 255. */
public record Version(int major, int minor) implements Comparable<Version> {

    public Version {
        if (major < 0 || major > 255 || minor < 0 || minor > 255) {
            throw new ApiException("version " + major + "." + minor + ": each part must be 0 to 255");
        }
    }

    /** Parses "1.5". */
    public static Version of(String text) {
        String[] parts = text.trim().split("\\.", -1);
        try {
            if (parts.length == 2) {
                return new Version(Integer.parseInt(parts[0]), Integer.parseInt(parts[1]));
            }
        } catch (NumberFormatException notANumber) {
            // falls through to the one message below
        }
        throw new ApiException("'" + text + "' is not a package version: write major.minor, for example 1.0");
    }

    @Override
    public int compareTo(Version other) {
        return major != other.major ? Integer.compare(major, other.major) : Integer.compare(minor, other.minor);
    }

    @Override
    public String toString() {
        return major + "." + minor;
    }
}

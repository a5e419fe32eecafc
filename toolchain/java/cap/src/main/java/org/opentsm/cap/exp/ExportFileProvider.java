// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap.exp;

import java.util.Optional;

/** Where converter and verifier find the export files of imported packages. */
@FunctionalInterface
public interface ExportFileProvider {
    /**
     * Finds a package that serves an import: the same major version and at least the asked minor one.
     *
     * @param packageAid 5 to 16 bytes
     * @return empty when the package is not known in a fitting version
     */
    Optional<ExportFile> find(byte[] packageAid, int major, int minor);

    /** Asks this provider first, then the other. */
    default ExportFileProvider or(ExportFileProvider other) {
        return (aid, major, minor) -> find(aid, major, minor).or(() -> other.find(aid, major, minor));
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.api;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.opentsm.cap.Aid;
import org.opentsm.cap.exp.ExportFile;
import org.opentsm.cap.exp.ExportFileProvider;

/**
 * Serves every declared package at the version asked for, or the next one known, whatever level that belongs to: for
 * checking a CAP file of unknown origin. Registered as a service, so that verifier and disassembler find it on the
 * class path.
 */
public final class AnyLevel implements ExportFileProvider {
    private final Map<String, Optional<ExportFile>> made = new HashMap<>();

    @Override
    public synchronized Optional<ExportFile> find(byte[] packageAid, int major, int minor) {
        Aid aid = new Aid(packageAid);
        return made.computeIfAbsent(aid + "/" + major + "." + minor, key -> Declarations.all().packages().stream()
                .filter(one -> one.aid().equals(aid))
                .findFirst()
                .flatMap(one -> levelFor(one, new Version(major, minor)))
                .flatMap(level -> new ExportFiles(level).find(packageAid, major, minor)));
    }

    private static Optional<ApiLevel> levelFor(ApiPackage one, Version wanted) {
        if (one.followsLevel()) {
            return ApiLevel.firstLevelWith(one.name(), wanted).map(ApiLevel::of);
        }
        return one.versions().stream()
                .filter(version -> version.compareTo(wanted) >= 0)
                .findFirst()
                .map(version -> ApiLevel.of("3.0.5").with(one.name(), version));
    }
}

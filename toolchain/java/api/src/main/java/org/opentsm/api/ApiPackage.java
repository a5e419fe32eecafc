// SPDX-License-Identifier: Apache-2.0
package org.opentsm.api;

import java.util.List;
import java.util.Map;
import org.opentsm.cap.Aid;

/**
 * One API package.
 *
 * @param name package path with slashes
 * @param aid package AID
 * @param levels version per Java Card level; empty for packages versioned apart from Java Card (GlobalPlatform, ETSI)
 * @param versions all known versions, ascending
 * @param classes in class-token order
 */
public record ApiPackage(
        String name, Aid aid, Map<String, Version> levels, List<Version> versions, List<ApiClass> classes) {

    public ApiPackage {
        levels = Map.copyOf(levels);
        versions = List.copyOf(versions);
        classes = List.copyOf(classes);
    }

    /** True for java.*, javacard.* and javacardx.*, whose version follows from the Java Card level. */
    public boolean followsLevel() {
        return !levels.isEmpty();
    }

    public Version newest() {
        return versions.get(versions.size() - 1);
    }

    public String display() {
        return name.replace('/', '.');
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.api;

import org.opentsm.cap.Aid;

/** The answer to "what does a CAP write for this name at this level?". */
public sealed interface Lookup {

    /**
     * The name exists at the level.
     *
     * @param packageAid package of the class
     * @param packageVersion version to import
     * @param apiClass class asked for (not the declaring one when the member is inherited)
     * @param member token and flags; null for a lookup of the class itself
     */
    record Found(Aid packageAid, Version packageVersion, ApiClass apiClass, ApiMember member) implements Lookup {}

    /**
     * The name exists, but only in a newer version of its package.
     *
     * @param what dotted class or member
     * @param packageName dotted package
     * @param since package version that introduced it
     * @param has package version at the chosen level, null when the level has no such package
     * @param level the chosen level
     */
    record Newer(String what, String packageName, Version since, Version has, ApiLevel level) implements Lookup {

        /** One line naming the member, the version it needs and what to change. */
        public String message() {
            String needs = ApiLevel.firstLevelWith(packageName.replace('.', '/'), since)
                    .map(first -> "set targetsdk to " + first + " or later")
                    .orElse("choose that version of the package");
            return what + " exists since " + packageName + " " + since + ", but Java Card " + level.name()
                    + (has == null ? " does not have the package" : " has " + has) + "; " + needs + " or do without it";
        }
    }

    /** The name is in none of our declarations. */
    record Unknown(String what) implements Lookup {}
}

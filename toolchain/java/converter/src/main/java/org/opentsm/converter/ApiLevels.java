// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.Optional;

/** Explains a name that no export file of the chosen level has, when a newer level has it. */
@FunctionalInterface
public interface ApiLevels {
    /**
     * @param className  class path, "javacard/framework/Applet"
     * @param memberName member name, empty to ask for the class itself
     * @param descriptor descriptor of the member, empty for the class
     * @return one line that names the member, since when it exists and what to do; empty when it is unknown
     */
    Optional<String> newer(String className, String memberName, String descriptor);
}

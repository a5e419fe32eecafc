// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import java.util.List;
import org.opentsm.cap.Aid;

/**
 * An exported interface of a CAP whose implementation stands outside the card's applets: the linked code uses this JVM
 * interface in place of one of its own. An interface of the package is taken for it when its methods have these types,
 * token by token; a package of this AID without such an interface is refused.
 *
 * @param packageAid   package that declares the interface
 * @param internalName JVM name with "/"
 * @param methods      by interface method token, inherited ones included
 */
public record PlatformInterface(Aid packageAid, String internalName, List<Method> methods) {
    /** @param descriptor with API names only */
    public record Method(String name, String descriptor) {}

    public PlatformInterface {
        methods = List.copyOf(methods);
    }
}

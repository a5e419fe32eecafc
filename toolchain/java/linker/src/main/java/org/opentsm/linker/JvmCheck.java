// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;

/**
 * Whether the JVM's own verifier takes the classes. Our verifier cannot say so for a CAP without Descriptor: it does
 * not know which class a method is of.
 */
final class JvmCheck {
    private final ClassLoader platform;
    private final Map<String, byte[]> files = new HashMap<>();

    JvmCheck(ClassLoader platform, Collection<LinkedPackage> before) {
        this.platform = platform;
        before.forEach(made -> files.putAll(made.classes()));
    }

    /** @throws LinkException when it does not */
    void check(LinkedPackage made) {
        files.putAll(made.classes());
        ClassLoader loader = new ClassLoader(platform) {
            @Override
            protected Class<?> findClass(String name) throws ClassNotFoundException {
                byte[] bytes = files.get(name);
                if (bytes == null) {
                    throw new ClassNotFoundException(name);
                }
                return defineClass(name, bytes, 0, bytes.length);
            }
        };
        for (String name : made.classes().keySet()) {
            try {
                Class.forName(name, true, loader);
            } catch (ClassNotFoundException | LinkageError e) {
                throw LinkException.inconsistent("without Descriptor its code cannot be placed: " + e.getMessage());
            }
        }
    }
}

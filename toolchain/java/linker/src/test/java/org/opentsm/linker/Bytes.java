// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import java.util.HexFormat;
import java.util.Map;

/** Small helpers of the tests. */
final class Bytes {
    private Bytes() {}

    /** Place of the first occurrence. */
    static int find(byte[] bytes, String hex) {
        int at = HexFormat.of().withUpperCase().formatHex(bytes).indexOf(hex);
        if (at < 0 || at % 2 != 0) {
            throw new AssertionError(hex + " is not there");
        }
        return at / 2;
    }

    static ClassLoader loader(Map<String, byte[]> classes) {
        return new ClassLoader(Bytes.class.getClassLoader()) {
            @Override
            protected Class<?> findClass(String name) throws ClassNotFoundException {
                byte[] bytes = classes.get(name);
                if (bytes == null) {
                    throw new ClassNotFoundException(name);
                }
                return defineClass(name, bytes, 0, bytes.length);
            }
        };
    }
}

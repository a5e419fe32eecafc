// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.classpath;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.jar.JarEntry;
import java.util.jar.JarInputStream;

/** The class path of a test, and behind it the jars that the test gave the card as bytes. */
final class JarClasses extends ClassLoader {

    /** A Java Card package has 64 KiB of code; a jar of classes that is larger than all of them is none. */
    private static final int MOST_BYTES = 64 << 20;

    private final Map<String, byte[]> files = new ConcurrentHashMap<>();

    JarClasses(ClassLoader parent) {
        super(parent);
    }

    /**
     * @param jar a jar file
     * @throws IllegalArgumentException when it cannot be read or is larger than 64 MiB
     */
    void add(byte[] jar) {
        int left = MOST_BYTES;
        try (JarInputStream in = new JarInputStream(new ByteArrayInputStream(jar))) {
            for (JarEntry entry = in.getNextJarEntry(); entry != null; entry = in.getNextJarEntry()) {
                byte[] content = in.readNBytes(left + 1);
                left -= content.length;
                if (left < 0) {
                    throw new IllegalArgumentException("a jar of more than 64 MiB");
                }
                files.put(entry.getName(), content);
            }
        } catch (IOException e) {
            throw new IllegalArgumentException("not a jar file: " + e.getMessage(), e);
        }
    }

    @Override
    public InputStream getResourceAsStream(String name) {
        InputStream found = super.getResourceAsStream(name);
        byte[] content = found == null ? files.get(name) : null;
        return content == null ? found : new ByteArrayInputStream(content);
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
        byte[] content = files.get(name.replace('.', '/') + ".class");
        if (content == null) {
            throw new ClassNotFoundException(name);
        }
        return defineClass(name, content, 0, content.length);
    }
}

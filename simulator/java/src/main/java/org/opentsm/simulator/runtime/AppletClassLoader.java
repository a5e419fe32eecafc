package org.opentsm.simulator.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.opentsm.simulator.SimulatorException;

/**
 * Defines one card's applet classes, instrumented, so that static fields belong to one card.
 * The platform (javacard.*, jCardSim, the Open interface) comes from the parent and is shared.
 */
public final class AppletClassLoader extends ClassLoader {

    static {
        registerAsParallelCapable();
    }

    /** The interface the simulator itself implements: one class for all cards. */
    private static final String OPEN_INTERFACE = "org.opentsm.securitydomain.Open";
    private static final Map<Path, byte[]> INSTRUMENTED = new ConcurrentHashMap<>();

    private final List<Path> roots;
    private final Map<String, byte[]> linked;
    private final List<Class<?>> defined = new ArrayList<>();

    /**
     * @param roots  folders of class files, searched in order before the parent
     * @param linked instrumented classes of CAP files by name, which come before all
     */
    public AppletClassLoader(List<Path> roots, Map<String, byte[]> linked, ClassLoader parent) {
        super(parent);
        this.roots = List.copyOf(roots);
        this.linked = Map.copyOf(linked);
    }

    /** The applet classes loaded so far, in order of loading. */
    public synchronized List<Class<?>> defined() {
        return List.copyOf(defined);
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        synchronized (getClassLoadingLock(name)) {
            Class<?> known = findLoadedClass(name);
            if (known != null) {
                return known;
            }
            if (linked.containsKey(name)) {
                return define(name, linked.get(name));
            }
            Path file = name.equals(OPEN_INTERFACE) || name.startsWith("java") ? null : find(name);
            return file == null ? super.loadClass(name, resolve) : define(name, INSTRUMENTED.computeIfAbsent(file, AppletClassLoader::instrument));
        }
    }

    private Path find(String name) {
        String relative = name.replace('.', '/') + ".class";
        for (Path root : roots) {
            Path file = root.resolve(relative);
            if (Files.isRegularFile(file)) {
                return file;
            }
        }
        return null;
    }

    private synchronized Class<?> define(String name, byte[] code) {
        Class<?> made = defineClass(name, code, 0, code.length);
        defined.add(made);
        return made;
    }

    private static byte[] instrument(Path file) {
        try {
            return Instrumenter.instrument(Files.readAllBytes(file));
        } catch (IOException e) {
            throw new SimulatorException("applet-unreadable", null, "cannot read " + file, e);
        }
    }
}

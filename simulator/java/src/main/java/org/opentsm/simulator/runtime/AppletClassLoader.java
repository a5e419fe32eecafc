// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javacard.framework.AID;
import org.opentsm.simulator.SimulatorException;

/**
 * Defines one card's applet classes, instrumented, so that static fields belong to one card.
 * The platform (javacard.*, jCardSim, the Open interface) comes from the parent and is shared.
 */
public final class AppletClassLoader extends ClassLoader {

    static {
        registerAsParallelCapable();
    }

    /** The interfaces the simulator itself implements or calls: one class for all cards. */
    private static final Set<String> SHARED =
            CapFiles.SHARED_INTERFACES.stream().map(Class::getName).collect(Collectors.toSet());

    private static final Map<Path, byte[]> INSTRUMENTED = new ConcurrentHashMap<>();

    private final List<Path> roots;
    private final Map<String, byte[]> linked;
    /** What a test and its card share; everything else a card defines for itself. */
    private static final Pattern OUTSIDE =
            Pattern.compile("(java|javax|jdk|sun|javacard|javacardx|org\\.junit|org\\.testng|org\\.bouncycastle"
                    + "|org\\.globalplatform|com\\.licel\\.jcardsim\\.(base|crypto|framework|"
                    + "io|remote|smartcardio|utils)"
                    + "|org\\.opentsm\\.simulator\\.(card|classpath|control|crypto|image|"
                    + "junit|link|open|runtime|smartcardio|state|uicc))\\..*");

    private boolean fromParent;
    /** Its classes have their code as the compiler made it: see {@link #ofClassPath}. */
    private boolean plain;
    /** True once the card has code that others import. */
    private boolean libraries;

    private CardRuntime card;
    private final Map<String, AID> loadFiles = new ConcurrentHashMap<>();
    private final Function<Path, AID> folders;
    private final List<Class<?>> defined = new ArrayList<>();
    private final Map<String, PackageLoader> loaded = new HashMap<>();

    /**
     * @param roots  folders of class files, searched in order before the parent, each with its load file: null for one
     *     of several
     * @param linked instrumented classes of CAP files by name, which come before all
     */
    public AppletClassLoader(Map<Path, AID> roots, Map<String, byte[]> linked, ClassLoader parent) {
        super(parent);
        this.roots = List.copyOf(roots.keySet());
        this.folders = roots::get;
        if (roots.size() > 2) {
            // Beside the security domains' there are folders that may use each other.
            libraries = true;
        }
        this.linked = Map.copyOf(linked);
    }

    /**
     * For classes of a test's own class path: all but the platform's and the test libraries' are defined anew,
     * instrumented. With {@code -Dopentsm.instrument=false} they stay as they are: no firewall, no counts, no power cut
     * at a write and no end of an endless loop, for speed.
     *
     * @param outer where their class files are found
     */
    public static AppletClassLoader ofClassPath(ClassLoader outer) {
        AppletClassLoader made = new AppletClassLoader(Map.of(), Map.of(), outer);
        made.fromParent = true;
        made.plain = System.getProperty("opentsm.instrument", "true").equals("false");
        return made;
    }

    /** Its classes are not instrumented. */
    boolean isPlain() {
        return plain;
    }

    /** From now on these are the classes of that card. */
    void serve(CardRuntime made) {
        if (card != null) {
            throw new IllegalStateException("a card uses these classes already");
        }
        card = made;
    }

    /** Called once by the class that holds the card for instrumented code; {@link ThisCard}. */
    public static CardRuntime cardOf(Class<?> own) {
        return ((AppletClassLoader) own.getClassLoader()).card;
    }

    void expectLibraries() {
        libraries = true;
    }

    boolean hasLibraries() {
        return libraries;
    }

    /** The applet classes loaded so far, in order of loading. */
    public synchronized List<Class<?>> defined() {
        return List.copyOf(defined);
    }

    /** Tells whose package the classes of a CAP file are of. */
    public synchronized void own(AID loadFile, Set<String> classNames) {
        classNames.forEach(name -> loadFiles.put(name.replace('.', '/'), loadFile));
    }

    /** Load file of the applet class that called the platform last, or null. */
    AID callerLoadFile() {
        return StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE)
                .walk(frames -> frames.map(StackWalker.StackFrame::getDeclaringClass)
                        .filter(type -> isOfApplets(type.getClassLoader()))
                        .findFirst())
                .map(type -> loadFileOf(type.getName().replace('.', '/')))
                .orElse(null);
    }

    /** True of the loaders that cards' applets have, those of LOADed packages too. */
    static boolean isOfApplets(ClassLoader loader) {
        return loader instanceof AppletClassLoader || loader instanceof PackageLoader;
    }

    /** Load file of a class, or null for one of the platform's or of a folder of several. */
    synchronized AID loadFileOf(String internalName) {
        return loadFiles.get(internalName);
    }

    /** Classes of a package that was LOADed; a loader of its own lets them go when it is deleted, and come again. */
    synchronized void add(byte[] aid, Map<String, byte[]> classes) {
        PackageLoader made = new PackageLoader(aid, classes);
        classes.keySet().forEach(name -> loaded.put(name, made));
    }

    synchronized void remove(AID aid) {
        loaded.values().removeIf(own -> aid.equals(own.aid, (short) 0, (byte) own.aid.length));
        defined.removeIf(type -> type.getClassLoader() instanceof PackageLoader own
                && !loaded.containsKey(type.getName())
                && aid.equals(own.aid, (short) 0, (byte) own.aid.length));
    }

    private final class PackageLoader extends ClassLoader {

        private final byte[] aid;
        private final Map<String, byte[]> classes;

        PackageLoader(byte[] aid, Map<String, byte[]> classes) {
            super(AppletClassLoader.this);
            this.aid = aid;
            this.classes = classes;
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            synchronized (getClassLoadingLock(name)) {
                Class<?> known = findLoadedClass(name);
                if (known != null) {
                    return known;
                }
                byte[] code = classes.get(name);
                if (code == null) {
                    return AppletClassLoader.this.loadClass(name, resolve);
                }
                Class<?> made = defineClass(name, code, 0, code.length);
                remember(made);
                return made;
            }
        }
    }

    private synchronized PackageLoader owner(String name) {
        return loaded.get(name);
    }

    private synchronized void remember(Class<?> type) {
        defined.add(type);
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        synchronized (getClassLoadingLock(name)) {
            Class<?> known = findLoadedClass(name);
            if (known != null) {
                return known;
            }
            if (name.equals(ThisCard.NAME)) {
                byte[] code = ThisCard.code();
                return defineClass(name, code, 0, code.length);
            }
            PackageLoader owner = owner(name);
            if (owner != null) {
                return owner.loadClass(name, resolve);
            }
            if (linked.containsKey(name)) {
                return define(name, linked.get(name));
            }
            Path file = SHARED.contains(name) || name.startsWith("java") ? null : find(name);
            if (file != null) {
                roots.stream()
                        .filter(file::startsWith)
                        .map(folders)
                        .filter(Objects::nonNull)
                        .findFirst()
                        .ifPresent(aid -> loadFiles.put(name.replace('.', '/'), aid));
            }
            byte[] outer = fromParent && !OUTSIDE.matcher(name).matches() ? classFile(name) : null;
            if (outer != null) {
                return define(name, plain ? outer : Instrumenter.instrument(outer));
            }
            return file == null
                    ? super.loadClass(name, resolve)
                    : define(name, INSTRUMENTED.computeIfAbsent(file, AppletClassLoader::instrument));
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

    private byte[] classFile(String name) {
        try (InputStream in = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
            return in == null ? null : in.readAllBytes();
        } catch (IOException e) {
            throw new SimulatorException("applet-unreadable", null, "cannot read " + name, e);
        }
    }

    private Class<?> define(String name, byte[] code) {
        Class<?> made = defineClass(name, code, 0, code.length);
        remember(made);
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

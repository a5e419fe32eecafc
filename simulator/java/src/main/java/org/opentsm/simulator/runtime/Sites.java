// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Where applets take memory and write to what they have, of all cards of this process, when it was started with {@code
 * -Dopentsm.sites=true}: the source line where class file or Debug component tells it, else class and method.
 */
public final class Sites {

    private static final boolean ON = Boolean.getBoolean("opentsm.sites");
    private static final StackWalker STACK = StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE);
    private static final Map<String, Count> COUNTS = new ConcurrentHashMap<>();

    private Sites() {}

    /**
     * @param bytes  of persistent memory and RAM taken
     * @param writes to persistent memory
     */
    public record Count(long bytes, long writes) {
        private Count plus(Count more) {
            return new Count(bytes + more.bytes, writes + more.writes);
        }
    }

    /** By place, sorted by its name. */
    public static Map<String, Count> counts() {
        return new TreeMap<>(COUNTS);
    }

    static void allocation(int bytes) {
        if (ON) {
            count(new Count(bytes, 0));
        }
    }

    static void write() {
        if (ON) {
            count(new Count(0, 1));
        }
    }

    /** What no applet asked for has no place. */
    private static void count(Count more) {
        STACK.walk(frames -> frames.filter(frame -> AppletClassLoader.isOfApplets(
                                frame.getDeclaringClass().getClassLoader()))
                        .findFirst())
                .ifPresent(frame -> COUNTS.merge(place(frame.toStackTraceElement()), more, Count::plus));
    }

    private static String place(StackTraceElement frame) {
        String name = frame.getClassName();
        if (frame.getFileName() == null || frame.getLineNumber() < 0) {
            return name + "." + frame.getMethodName();
        }
        String folder = name.substring(0, name.lastIndexOf('.') + 1).replace('.', '/');
        return (frame.getFileName().contains("/") ? "" : folder) + frame.getFileName() + ":" + frame.getLineNumber();
    }
}

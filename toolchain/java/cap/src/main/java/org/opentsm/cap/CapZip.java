// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** The zip around a CAP, read with bounds on everything a hostile file can inflate. */
public final class CapZip {
    public static final String MANIFEST = "META-INF/MANIFEST.MF";
    /** Largest file we look at, compressed. */
    public static final int MAX_FILE_SIZE = 4 << 20;
    /** Largest total of all entries, inflated. */
    public static final int MAX_TOTAL_SIZE = 16 << 20;

    public static final int MAX_ENTRIES = 1024;
    /** Bounds of an archive of which only some entries are read, such as a jar with export files. */
    private static final int MAX_ARCHIVE_SIZE = 64 << 20;

    private static final int MAX_ARCHIVE_ENTRIES = 32_768;
    /** The first day of 1980 itself would be written with an extra field. */
    private static final LocalDateTime FIXED_TIME = LocalDateTime.of(1980, 2, 1, 0, 0);

    /** An entry in its place; folders have names that end in "/" and no content. */
    public record Item(String name, byte[] content) {}

    private CapZip() {}

    /** Reads a file of at most {@link #MAX_FILE_SIZE} bytes. */
    public static byte[] readBounded(Path file) throws IOException {
        return readBounded(file, MAX_FILE_SIZE);
    }

    private static byte[] readBounded(Path file, int maxSize) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(maxSize + 1);
            if (bytes.length > maxSize) {
                throw new CapFormatException("file", -1, "at most " + maxSize + " bytes", "more");
            }
            return bytes;
        }
    }

    /**
     * Reads all entries, in the order they lie in the file.
     *
     * @throws CapFormatException for broken zips, bombs, double names and names that leave the archive
     */
    public static List<Item> read(byte[] zip) {
        return read(zip, MAX_ENTRIES, name -> true);
    }

    /** Reads those entries of a larger archive whose names are wanted; the others are neither judged nor inflated. */
    public static List<Item> readSome(Path archive, Predicate<String> wanted) throws IOException {
        return read(readBounded(archive, MAX_ARCHIVE_SIZE), MAX_ARCHIVE_ENTRIES, wanted);
    }

    private static List<Item> read(byte[] zip, int maxEntries, Predicate<String> wanted) {
        List<Item> items = new ArrayList<>();
        Set<String> names = new HashSet<>();
        int room = MAX_TOTAL_SIZE;
        for (ZipIndex.Place place : ZipIndex.read(zip, maxEntries)) {
            if (!wanted.test(place.name())) {
                continue;
            }
            checkName(place.name());
            if (!names.add(place.name().toLowerCase(Locale.ROOT))) {
                throw new CapFormatException("zip", -1, "one entry " + place.name(), "two");
            }
            if (place.size() > room) {
                throw new CapFormatException("zip", -1, "at most " + MAX_TOTAL_SIZE + " inflated bytes", "more");
            }
            byte[] content = place.content(zip);
            room -= content.length;
            items.add(new Item(place.name(), content));
        }
        return items;
    }

    /** Equal names and contents in equal order. */
    static boolean same(List<Item> first, List<Item> second) {
        boolean same = first.size() == second.size();
        for (int i = 0; same && i < first.size(); i++) {
            same = first.get(i).name.equals(second.get(i).name)
                    && Arrays.equals(first.get(i).content, second.get(i).content);
        }
        return same;
    }

    private static void checkName(String name) {
        boolean bad = name.isEmpty()
                || name.startsWith("/")
                || name.indexOf('\\') >= 0
                || name.indexOf(0) >= 0
                || name.indexOf(':') >= 0
                || List.of(name.split("/")).contains("..");
        if (bad) {
            throw new CapFormatException("zip", -1, "entry names inside the archive", "\"" + name + "\"");
        }
    }

    /** The component name when the entry is {@code <path>/javacard/<Name>.cap}. */
    static Optional<String> componentName(String entryName) {
        String lower = entryName.toLowerCase(Locale.ROOT);
        int slash = entryName.lastIndexOf('/');
        boolean inFolder =
                lower.startsWith("javacard/") && slash == 8 || slash >= 9 && lower.startsWith("/javacard", slash - 9);
        return inFolder && lower.endsWith(".cap")
                ? Optional.of(entryName.substring(slash + 1, entryName.length() - 4))
                : Optional.empty();
    }

    /** Writes a zip with fixed times, so that equal items give equal bytes. */
    public static byte[] write(List<Item> items) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream out = new ZipOutputStream(bytes)) {
            for (Item item : items) {
                ZipEntry entry = new ZipEntry(item.name);
                entry.setTimeLocal(FIXED_TIME);
                out.putNextEntry(entry);
                out.write(item.content);
                out.closeEntry();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }
}

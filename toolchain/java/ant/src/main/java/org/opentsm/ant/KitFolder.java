// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.opentsm.api.ApiLevel;
import org.opentsm.api.KitName;
import org.opentsm.api.Version;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.CapZip;
import org.opentsm.cap.exp.ExportFile;

/** A vendor's kit whose folder has a name of the user's own: its export files tell which level it is. */
final class KitFolder {
    private static final String FRAMEWORK = "javacard/framework";
    private static final String EXPORT = "javacard/framework/javacard/framework.exp";

    /** Folders of export files; that of 2.1.2 is api21_export_files, those of 3.1 end with a level. */
    private static final Pattern EXPORTS = Pattern.compile("api\\d*_export_files_?(.*)");

    private KitFolder() {}

    /** True when the folder is called as a kit's folder of export files is. */
    static boolean isExports(Path folder) {
        return EXPORTS.matcher(String.valueOf(folder.getFileName())).matches();
    }

    /** The level of a kit's folder of export files, by its own name, the kit's, or what is in it. */
    static Optional<String> levelOfExports(Path folder) {
        Matcher name = EXPORTS.matcher(String.valueOf(folder.getFileName()));
        if (!name.matches()) {
            return Optional.empty();
        }
        Path kit = folder.toAbsolutePath().getParent();
        return KitName.level(name.group(1))
                .or(() -> KitName.level(String.valueOf(kit.getFileName())))
                .or(() -> levelOf(folder.resolve(EXPORT)))
                .or(() -> level(kit));
    }

    /** The newest level that a folder {@code api_export_files*} in the kit is for. */
    static Optional<String> level(Path kit) {
        if (!Files.isDirectory(kit)) {
            return Optional.empty();
        }
        try (Stream<Path> folders = Files.list(kit)) {
            return folders.filter(KitFolder::isExports)
                    .map(one -> one.resolve(EXPORT))
                    .filter(Files::isRegularFile)
                    .flatMap(one -> levelOf(one).stream())
                    .max(Comparator.comparing(ApiLevel.NAMES::indexOf));
        } catch (IOException unreadable) {
            return Optional.empty();
        }
    }

    /** The last level with that version: the kits of 2.1.1 and 2.1.2 have the same packages. */
    private static Optional<String> levelOf(Path file) {
        try {
            ExportFile export = ExportFile.read(CapZip.readBounded(file));
            Version version = new Version(export.major(), export.minor());
            return ApiLevel.NAMES.stream()
                    .filter(level -> ApiLevel.of(level)
                            .versionOf(FRAMEWORK)
                            .filter(version::equals)
                            .isPresent())
                    .reduce((first, second) -> second);
        } catch (IOException | CapFormatException broken) {
            return Optional.empty();
        }
    }
}

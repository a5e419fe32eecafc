// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.ArrayList;
import java.util.List;
import org.opentsm.cap.Aid;
import org.opentsm.cap.CapVersion;
import org.opentsm.cap.exp.ExportFile;

/** What to convert, and how. Made with {@link #builder}. */
public final class ConverterInput {
    /**
     * An applet of the package.
     *
     * @param aid       its AID, with the package's RID
     * @param className dotted or slashed; a simple name is looked up in the package
     */
    public record Applet(Aid aid, String className) {}

    final String packageName;
    final Aid packageAid;
    final int major;
    final int minor;
    final List<byte[]> classFiles;
    final List<ExportFile> exports;
    final List<Applet> applets;
    final ExportFile earlierExport;
    final ApiLevels levels;
    final CapVersion capVersion;
    final String level;
    final boolean ints;
    final boolean debug;
    final boolean listing;

    private ConverterInput(Builder b) {
        packageName = b.packageName.replace('.', '/');
        packageAid = b.packageAid;
        major = b.major;
        minor = b.minor;
        classFiles = List.copyOf(b.classFiles);
        exports = List.copyOf(b.exports);
        applets = List.copyOf(b.applets);
        earlierExport = b.earlierExport;
        levels = b.levels;
        capVersion = b.capVersion;
        level = b.level;
        ints = b.ints;
        debug = b.debug;
        listing = b.listing;
    }

    /**
     * @param packageName dotted or slashed
     * @param major       package version, 0 to 255
     * @param minor       package version, 0 to 255
     */
    public static Builder builder(String packageName, Aid packageAid, int major, int minor) {
        return new Builder(packageName, packageAid, major, minor);
    }

    /** True when the chosen Java Card level is this one or newer ("3.0.5"). */
    boolean levelAtLeast(String other) {
        String[] a = level.split("\\.");
        String[] b = other.split("\\.");
        for (int i = 0; i < Math.max(a.length, b.length); i++) {
            int left = i < a.length ? number(a[i]) : 0;
            int right = i < b.length ? number(b[i]) : 0;
            if (left != right) {
                return left > right;
            }
        }
        return true;
    }

    private static int number(String text) {
        String digits = text.replaceAll("\\D.*", "");
        return digits.isEmpty() || digits.length() > 6 ? 0 : Integer.parseInt(digits);
    }

    /** Collects the input; only package and class files are required. */
    public static final class Builder {
        private final String packageName;
        private final Aid packageAid;
        private final int major;
        private final int minor;
        private final List<byte[]> classFiles = new ArrayList<>();
        private final List<ExportFile> exports = new ArrayList<>();
        private final List<Applet> applets = new ArrayList<>();
        private ExportFile earlierExport;
        private ApiLevels levels;
        private CapVersion capVersion = CapVersion.V2_1;
        private String level = "3.0.4";
        private boolean ints;
        private boolean debug;
        private boolean listing;

        private Builder(String packageName, Aid packageAid, int major, int minor) {
            if (major < 0 || major > 255 || minor < 0 || minor > 255) {
                throw new IllegalArgumentException("package version " + major + "." + minor + " is not 0.0 to 255.255");
            }
            this.packageName = packageName;
            this.packageAid = packageAid;
            this.major = major;
            this.minor = minor;
        }

        /** Adds a class file; order does not matter. */
        public Builder classFile(byte[] bytes) {
            classFiles.add(bytes.clone());
            return this;
        }

        /** Adds export files to import from; when two describe one package, the first counts. */
        public Builder exports(List<ExportFile> files) {
            exports.addAll(files);
            return this;
        }

        public Builder applet(Aid aid, String className) {
            applets.add(new Applet(aid, className));
            return this;
        }

        /** Keeps the tokens of an earlier version of the package. */
        public Builder earlierExport(ExportFile file) {
            earlierExport = file;
            return this;
        }

        /** Explains names that only newer levels have. */
        public Builder levels(ApiLevels lookup) {
            levels = lookup;
            return this;
        }

        /** CAP format, 2.1 unless set. */
        public Builder capVersion(CapVersion version) {
            capVersion = version;
            return this;
        }

        /** Java Card level, "2.2.1" to "3.0.5" and later; decides which instructions may be used. */
        public Builder level(String version) {
            level = version;
            return this;
        }

        /** Allows int. */
        public Builder ints(boolean allowed) {
            ints = allowed;
            return this;
        }

        /** Adds the Debug component. */
        public Builder debug(boolean wanted) {
            debug = wanted;
            return this;
        }

        /** Makes the text listing of the result. */
        public Builder listing(boolean wanted) {
            listing = wanted;
            return this;
        }

        public ConverterInput build() {
            return new ConverterInput(this);
        }
    }
}

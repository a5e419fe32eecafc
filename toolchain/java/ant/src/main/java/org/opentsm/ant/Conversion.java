// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.opentsm.api.ApiIndex;
import org.opentsm.api.ApiLevel;
import org.opentsm.api.Declarations;
import org.opentsm.api.Lookup;
import org.opentsm.cap.Aid;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapVersion;
import org.opentsm.cap.exp.ExportFile;
import org.opentsm.converter.Converter;
import org.opentsm.converter.ConverterInput;
import org.opentsm.converter.ConverterResult;

/** One conversion, told in the converter's terms. Free of Ant, so that the kit folder can use it. */
final class Conversion {
    private final ApiIndex index;
    private final Consumer<String> report;

    /** @param className dotted */
    record Applet(String className, Aid aid) {}

    /**
     * @param packageName dotted
     * @param classFiles class files by entry name
     * @param listing true to make the readable listing too
     * @param previous export file whose tokens must be kept
     */
    record Request(
            String packageName,
            Aid aid,
            int major,
            int minor,
            List<Applet> applets,
            Map<String, byte[]> classFiles,
            boolean ints,
            boolean debug,
            boolean listing,
            Optional<ExportFile> previous) {}

    record Result(CapFile cap, Optional<ExportFile> export, Optional<String> listing) {}

    /** The converter found errors; each has been reported. */
    static final class Failed extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Failed(String message) {
            super(message);
        }
    }

    Conversion(ApiLevel level, Consumer<String> report) {
        this.index = new ApiIndex(level);
        this.report = report;
    }

    /**
     * Converts, reporting every diagnostic.
     *
     * @param exports export files to link against; the first of a package counts
     * @throws Failed when the converter found errors
     */
    Result convert(Request request, List<ExportFile> exports) {
        ConverterInput.Builder input = ConverterInput.builder(
                        request.packageName(), request.aid(), request.major(), request.minor())
                .exports(exports)
                .levels(this::newer)
                .level(index.level().name())
                .ints(request.ints())
                .debug(request.debug())
                .listing(request.listing());
        if (index.level().isAtLeast("3.1")) {
            input.capVersion(CapVersion.V2_3);
        }
        request.classFiles().values().forEach(input::classFile);
        request.applets().forEach(applet -> input.applet(applet.aid(), applet.className()));
        request.previous().ifPresent(input::earlierExport);
        warnOfApi(request.aid());
        ConverterResult result = Converter.convert(input.build());
        result.diagnostics().forEach(one -> report.accept(one.toString()));
        return new Result(result.cap().orElseThrow(() -> new Failed(result.summary())), result.exp(), result.listing());
    }

    private Optional<String> newer(String className, String memberName, String descriptor) {
        Lookup lookup = memberName.isEmpty()
                ? index.findClass(className)
                : descriptor.startsWith("(")
                        ? index.findMethod(className, memberName, descriptor)
                        : index.findField(className, memberName);
        return lookup instanceof Lookup.Newer newer ? Optional.of(newer.message()) : Optional.empty();
    }

    /** Code of others would run in it in place of the card's own. */
    private void warnOfApi(Aid aid) {
        Declarations.all().packages().stream()
                .filter(one -> one.aid().equals(aid))
                .forEach(one -> report.accept("warning: the package's AID " + aid + " is that of "
                        + one.name().replace('/', '.')
                        + ": a card whose API has that package refuses to load this one"));
    }
}

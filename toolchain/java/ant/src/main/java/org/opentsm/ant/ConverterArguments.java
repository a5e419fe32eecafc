// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.opentsm.api.ApiException;
import org.opentsm.api.ApiLevel;
import org.opentsm.api.KitName;
import org.opentsm.cap.Aid;
import org.opentsm.cap.CapFormatException;

/**
 * The converter's command line, checked: {@code [-config FILE] [-d OUT] [-classdir IN] [-target LEVEL] [-exportpath
 * PATH] [-i] [-debug] [-exportmap] [-out CAP EXP JCA] (-applet AID CLASS)* PACKAGE AID VERSION}; -verbose, -nobanner,
 * -noverify and -useproxyclass change nothing here. Class files are looked for in the working folder and outputs go
 * beside them, when nothing else is said.
 */
record ConverterArguments(
        Path output,
        Path classes,
        ApiLevel level,
        List<Path> exportPath,
        Set<String> outputs,
        boolean ints,
        boolean debug,
        boolean exportmap,
        List<Conversion.Applet> applets,
        String packageName,
        Aid aid,
        int major,
        int minor) {
    /** It becomes a folder's name. */
    private static final Pattern PACKAGE = Pattern.compile("[A-Za-z_$][\\w$]*(\\.[A-Za-z_$][\\w$]*)*");

    private static final Pattern VERSION = Pattern.compile("(\\d{1,3})\\.(\\d{1,3})");

    /**
     * @param base         what relative names are relative to
     * @param defaultLevel when neither a target nor a kit's export files are named
     * @throws ApiException when an argument is missing or wrong
     */
    static ConverterArguments of(ConverterOptions options, Path base, String defaultLevel) {
        if (options.operands.size() != 3) {
            throw new ApiException("expected PACKAGE AID VERSION, got "
                    + (options.operands.isEmpty() ? "none of them" : String.join(" ", options.operands)));
        }
        String packageName = options.operands.get(0);
        if (!PACKAGE.matcher(packageName).matches()) {
            throw new ApiException("'" + packageName + "' is not a package name");
        }
        Matcher version = VERSION.matcher(options.operands.get(2));
        if (!version.matches()
                || Integer.parseInt(version.group(1)) > 255
                || Integer.parseInt(version.group(2)) > 255) {
            throw new ApiException("'" + options.operands.get(2) + "' is not a version: write major.minor");
        }
        List<Conversion.Applet> applets = new ArrayList<>();
        for (String[] applet : options.applets) {
            applets.add(new Conversion.Applet(className(packageName, applet[1]), aid(applet[0])));
        }
        Path classes = place(base, options.classes == null ? "." : options.classes);
        List<Path> exportPath =
                options.exportPath.stream().map(one -> place(base, one)).toList();
        return new ConverterArguments(
                options.output == null ? classes : place(base, options.output),
                classes,
                level(options.target, exportPath, defaultLevel),
                exportPath,
                options.outputs.isEmpty() ? Set.of("CAP", "EXP") : Set.copyOf(options.outputs),
                options.ints,
                options.debug,
                options.exportmap,
                List.copyOf(applets),
                packageName,
                aid(options.operands.get(1)),
                Integer.parseInt(version.group(1)),
                Integer.parseInt(version.group(2)));
    }

    private static Path place(Path base, String name) {
        return base.resolve(ConverterOptions.localName(name)).normalize();
    }

    /** The converters of 2.1 take an applet's class without its package. */
    private static String className(String packageName, String name) {
        return name.contains(".") ? name : packageName + "." + name;
    }

    /** The target; else the kit whose export files are named; else the default. */
    private static ApiLevel level(String target, List<Path> exportPath, String defaultLevel) {
        if (target != null) {
            return ApiLevel.of(KitName.level(target)
                    .orElseThrow(() -> new ApiException(
                            "target '" + target + "' names no Java Card level that is known; write " + KitName.KNOWN)));
        }
        return ApiLevel.of(exportPath.stream()
                .flatMap(one -> KitFolder.levelOfExports(one).stream())
                .findFirst()
                .orElse(defaultLevel));
    }

    private static Aid aid(String text) {
        try {
            return Aid.ofText(text);
        } catch (IllegalArgumentException | CapFormatException wrong) {
            throw new ApiException("'" + text + "' is not an AID of 5 to 16 bytes");
        }
    }
}

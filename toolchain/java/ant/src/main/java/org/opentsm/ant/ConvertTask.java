// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.tools.ant.BuildException;
import org.apache.tools.ant.DynamicAttribute;
import org.apache.tools.ant.Project;
import org.apache.tools.ant.Task;
import org.apache.tools.ant.types.Path;
import org.apache.tools.ant.types.Reference;
import org.opentsm.api.ApiException;
import org.opentsm.api.ApiLevel;
import org.opentsm.api.KitName;
import org.opentsm.cap.CapFormatException;

/**
 * {@code <convert packagename packageaid majorminorversion classdir outputdirectory exportpath CAP EXP JCA exportmap
 * debug int target configfile><AppletNameAID appletname aid/></convert>}: the vendor's task with its attributes in any
 * case. What only concerns its own JVM or output (classpath, fork, verbose, nobanner, ...) is taken and has no meaning
 * here.
 */
public class ConvertTask extends Task implements DynamicAttribute {
    private static final String DEFAULT_LEVEL = "3.0.4";
    private static final List<String> IGNORED = List.of(
            "verbose",
            "nobanner",
            "noverify",
            "mask",
            "usecapcomponents",
            "fork",
            "failonerror",
            "classpathref",
            "dojca",
            "useproxyclass",
            "nowarn",
            "maxmemory",
            "jvm");

    private final Map<String, String> attributes = new TreeMap<>();
    private final List<String[]> applets = new ArrayList<>();
    private Path exportPath;

    /** {@code <AppletNameAID appletname="..." aid="0x...:0x..."/>}. */
    public final class AppletNameAid {
        private final String[] words = new String[2];

        private AppletNameAid() {
            applets.add(words);
        }

        public void setAppletname(String name) {
            words[1] = name;
        }

        public void setAid(String aid) {
            words[0] = aid;
        }
    }

    @Override
    public void setDynamicAttribute(String name, String value) {
        attributes.put(name.toLowerCase(java.util.Locale.ROOT), value);
    }

    public AppletNameAid createAppletNameAID() {
        return new AppletNameAid();
    }

    public Path createExportpath() {
        exportPath = exportPath == null ? new Path(getProject()) : exportPath;
        return exportPath.createPath();
    }

    public void setExportpathref(Reference reference) {
        createExportpath().setRefid(reference);
    }

    /** Where the vendor's converter lies: not needed. */
    public Path createClasspath() {
        return new Path(getProject()).createPath();
    }

    @Override
    public void execute() {
        for (String name : attributes.keySet()) {
            if (!KNOWN.contains(name) && !IGNORED.contains(name)) {
                throw new BuildException(
                        "<convert> has no attribute " + name + "; known are " + String.join(", ", KNOWN),
                        getLocation());
            }
        }
        try {
            ConverterArguments parsed = ConverterArguments.parse(words().toArray(String[]::new));
            ConverterCommand.convert(parsed, line -> log(line, Project.MSG_WARN));
            log(
                    "converted " + parsed.packageName() + " for " + parsed.level() + " into " + parsed.output(),
                    Project.MSG_INFO);
        } catch (ApiException | CapFormatException | Conversion.Failed wrong) {
            throw new BuildException(wrong.getMessage(), wrong, getLocation());
        } catch (IOException | UncheckedIOException unreadable) {
            throw new BuildException("cannot read or write: " + unreadable.getMessage(), unreadable, getLocation());
        }
    }

    private static final List<String> KNOWN = List.of(
            "packagename",
            "packageaid",
            "majorminorversion",
            "classdir",
            "dir",
            "outputdirectory",
            "exportpath",
            "cap",
            "exp",
            "jca",
            "exportmap",
            "debug",
            "int",
            "i",
            "target",
            "configfile");

    /** The command line that the same attributes mean. */
    private List<String> words() throws IOException {
        if (attributes.containsKey("configfile")) {
            return ConverterConfig.words(
                    getProject().resolveFile(attributes.get("configfile")).toPath(),
                    getProject().getBaseDir().toPath());
        }
        List<String> words = new ArrayList<>();
        String classes = attributes.getOrDefault("classdir", attributes.getOrDefault("dir", "."));
        words.addAll(List.of("-classdir", resolved(classes)));
        words.addAll(List.of("-d", resolved(attributes.getOrDefault("outputdirectory", classes))));
        List<String> exports = existingExports();
        if (!exports.isEmpty()) {
            words.addAll(List.of("-exportpath", String.join(File.pathSeparator, exports)));
        }
        words.addAll(List.of("-target", level().name()));
        flag(words, "int", "-i");
        flag(words, "i", "-i");
        flag(words, "debug", "-debug");
        flag(words, "exportmap", "-exportmap");
        words.add("-out");
        for (String kind : List.of("CAP", "EXP", "JCA")) {
            if (Project.toBoolean(attributes.get(kind.toLowerCase(java.util.Locale.ROOT)))) {
                words.add(kind);
            }
        }
        for (String[] applet : applets) {
            if (applet[0] == null || applet[1] == null) {
                throw new ApiException("an <AppletNameAID> needs appletname and aid");
            }
            words.addAll(List.of("-applet", applet[0], applet[1]));
        }
        for (String name : List.of("packagename", "packageaid", "majorminorversion")) {
            String value = attributes.get(name);
            if (value == null) {
                throw new ApiException("<convert> needs the attribute " + name);
            }
            words.add(value);
        }
        return words;
    }

    private void flag(List<String> words, String attribute, String option) {
        if (Project.toBoolean(attributes.get(attribute)) && !words.contains(option)) {
            words.add(option);
        }
    }

    private String resolved(String file) {
        return getProject().resolveFile(file).getPath();
    }

    private List<String> allExports() {
        Path all = new Path(getProject());
        if (attributes.containsKey("exportpath")) {
            all.setPath(attributes.get("exportpath"));
        }
        if (exportPath != null) {
            all.add(exportPath);
        }
        return List.of(all.list());
    }

    /** The kit's own export files need not be there: ours serve for the packages of the card API. */
    private List<String> existingExports() {
        return allExports().stream().filter(one -> new File(one).exists()).toList();
    }

    /** The attribute target; else the kit whose export files are named; else 3.0.4. */
    private ApiLevel level() {
        String target = attributes.get("target");
        if (target != null) {
            return ApiLevel.of(KitName.level(target)
                    .orElseThrow(() -> new ApiException(
                            "target '" + target + "' names no Java Card level that is known; write " + KitName.KNOWN)));
        }
        for (String export : allExports()) {
            File kit = new File(export).getParentFile();
            if (kit != null && new File(export).getName().startsWith("api_export_files")) {
                var level = KitName.level(kit.getName()).or(() -> KitFolder.level(kit.toPath()));
                if (level.isPresent()) {
                    return ApiLevel.of(level.get());
                }
            }
        }
        log("no target given, and no kit's export files: converting for Java Card " + DEFAULT_LEVEL, Project.MSG_INFO);
        return ApiLevel.of(DEFAULT_LEVEL);
    }
}

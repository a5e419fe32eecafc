// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.InvalidPathException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.tools.ant.BuildException;
import org.apache.tools.ant.DynamicAttribute;
import org.apache.tools.ant.Project;
import org.apache.tools.ant.Task;
import org.apache.tools.ant.types.Path;
import org.apache.tools.ant.types.Reference;
import org.opentsm.api.ApiException;
import org.opentsm.cap.CapFormatException;

/**
 * {@code <convert packagename packageaid majorminorversion classdir outputdirectory exportpath CAP EXP JCA exportmap
 * debug int target configfile><AppletNameAID appletname aid/></convert>}: the vendor's task with its attributes in any
 * case. What only concerns its own JVM or output (classpath, fork, verbose, nobanner, ...) is taken and has no meaning
 * here.
 */
public class ConvertTask extends Task implements DynamicAttribute {
    private static final String DEFAULT_LEVEL = "3.0.4";
    private static final List<String> OPERANDS = List.of("packagename", "packageaid", "majorminorversion");
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
        attributes.put(name.toLowerCase(Locale.ROOT), value);
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
            java.nio.file.Path base = getProject().getBaseDir().toPath();
            ConverterArguments parsed = ConverterArguments.of(options(), base, DEFAULT_LEVEL);
            ConverterCommand.convert(parsed, line -> log(line, Project.MSG_WARN));
            log(
                    "converted " + parsed.packageName() + " for " + parsed.level() + " into " + parsed.output(),
                    Project.MSG_INFO);
        } catch (ApiException | CapFormatException | InvalidPathException | Conversion.Failed wrong) {
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

    /** What the attributes say, behind what the file of {@code configfile} says. */
    private ConverterOptions options() throws IOException {
        ConverterOptions options = new ConverterOptions();
        options.classes = attributes.getOrDefault("classdir", attributes.get("dir"));
        options.output = attributes.get("outputdirectory");
        options.target = attributes.get("target");
        options.exportPath.addAll(exports());
        options.ints = isTrue("int") || isTrue("i");
        options.debug = isTrue("debug");
        options.exportmap = isTrue("exportmap");
        Stream.of("CAP", "EXP", "JCA").filter(this::isTrue).forEach(options.outputs::add);
        for (String[] applet : applets) {
            if (applet[0] == null || applet[1] == null) {
                throw new ApiException("an <AppletNameAID> needs appletname and aid");
            }
            options.applets.add(applet);
        }
        List<String> missing =
                OPERANDS.stream().filter(name -> !attributes.containsKey(name)).toList();
        if (missing.isEmpty()) {
            OPERANDS.forEach(name -> options.operands.add(attributes.get(name)));
        } else if (!attributes.containsKey("configfile") || missing.size() < OPERANDS.size()) {
            throw new ApiException("<convert> needs the attribute " + missing.get(0));
        }
        if (!attributes.containsKey("configfile")) {
            return options;
        }
        ConverterOptions file = ConverterOptions.ofFile(
                getProject().resolveFile(attributes.get("configfile")).toPath());
        file.fill(options, "the attribute of <convert>", line -> log(line, Project.MSG_WARN));
        return file;
    }

    private boolean isTrue(String attribute) {
        return Project.toBoolean(attributes.get(attribute.toLowerCase(Locale.ROOT)));
    }

    private List<String> exports() {
        Path all = new Path(getProject());
        if (attributes.containsKey("exportpath")) {
            all.setPath(attributes.get("exportpath"));
        }
        if (exportPath != null) {
            all.add(exportPath);
        }
        return List.of(all.list());
    }
}

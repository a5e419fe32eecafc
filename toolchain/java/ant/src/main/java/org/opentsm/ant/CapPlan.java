// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.tools.ant.BuildException;
import org.apache.tools.ant.Project;
import org.opentsm.api.ApiException;
import org.opentsm.api.ApiLevel;
import org.opentsm.api.Declarations;
import org.opentsm.api.KitName;
import org.opentsm.api.Version;
import org.opentsm.cap.Aid;

/**
 * What a {@code <cap>} asks for, checked and with ant-javacard's defaults filled in.
 *
 * @param packageName dotted
 */
record CapPlan(ApiLevel level, String packageName, Aid aid, int major, int minor, List<Conversion.Applet> applets) {
    private static final String DEFAULT_LEVEL = "3.0.4";
    private static final String JC_HOME_PROPERTY = "jc.home";
    private static final String JC_HOME_VARIABLE = "JC_HOME";

    /** @param environment variables, of which JC_HOME counts */
    static CapPlan of(CapElement cap, String taskJckit, Map<String, String> environment) {
        int[] version = version(cap.version);
        ApiLevel level = level(cap, KitPlace.of(cap, taskJckit, environment));
        String packageName = packageName(cap);
        Aid packageAid = cap.aid == null ? null : Hex.aid("package AID", cap.aid);
        List<Conversion.Applet> applets = new ArrayList<>();
        for (int i = 0; i < cap.applets.size(); i++) {
            AppletElement element = cap.applets.get(i);
            Aid aid = element.aid();
            if (packageAid == null) {
                if (aid == null) {
                    throw new BuildException("neither the package nor applet " + element.className() + " has an AID");
                }
                packageAid = new Aid(Arrays.copyOf(aid.bytes(), 5));
                cap.log("package AID is " + packageAid + ", the provider part of the applet's", Project.MSG_INFO);
            }
            if (aid == null) {
                aid = numbered(packageAid, i + 1);
                cap.log("applet AID is " + aid + " for " + element.className(), Project.MSG_INFO);
            }
            if (!aid.sameRid(packageAid) && !aid.isPaymentDirectory()) {
                throw new BuildException("applet AID " + aid + " and package AID " + packageAid
                        + " must start with the same 5 bytes (RID)");
            }
            applets.add(new Conversion.Applet(className(packageName, element.className()), aid));
        }
        if (packageAid == null) {
            throw new BuildException("the attribute aid is missing: a library needs a package AID");
        }
        return new CapPlan(level, packageName, packageAid, version[0], version[1], List.copyOf(applets));
    }

    private static Aid numbered(Aid packageAid, int number) {
        byte[] bytes = Arrays.copyOf(packageAid.bytes(), packageAid.length() + 1);
        if (bytes.length > 16 || number > 255) {
            throw new BuildException(
                    "no applet AID can be made from package AID " + packageAid + ": give each applet one");
        }
        bytes[bytes.length - 1] = (byte) number;
        return new Aid(bytes);
    }

    private static String className(String packageName, String name) {
        if (!name.contains(".")) {
            return packageName + "." + name;
        }
        if (!name.substring(0, name.lastIndexOf('.')).equals(packageName)) {
            throw new BuildException("applet class " + name + " is not in package " + packageName);
        }
        return name;
    }

    private static String packageName(CapElement cap) {
        String name = cap.packageName;
        for (AppletElement applet : cap.applets) {
            if (applet.className() == null) {
                throw new BuildException("an <applet> has no class");
            }
            if (name == null && applet.className().contains(".")) {
                name = applet.className().substring(0, applet.className().lastIndexOf('.'));
                cap.log("package is " + name, Project.MSG_INFO);
            }
        }
        if (name == null) {
            throw new BuildException(
                    cap.applets.isEmpty()
                            ? "there is no nested <applet>; a library needs the attribute package"
                            : "an applet must be in a package: write the class with its package name");
        }
        if (!name.matches("[A-Za-z_]\\w*(\\.[A-Za-z_]\\w*)*")) {
            throw new BuildException("'" + name + "' is not a package name");
        }
        return name;
    }

    private static int[] version(String text) {
        Matcher parts = Pattern.compile("(\\d{1,3})\\.(\\d{1,3})").matcher(text == null ? "0.0" : text.trim());
        if (parts.matches()) {
            int major = Integer.parseInt(parts.group(1));
            int minor = Integer.parseInt(parts.group(2));
            if (major <= 127 && minor <= 127) {
                return new int[] {major, minor};
            }
        }
        throw new BuildException("package version '" + text + "' must be major.minor, each 0 to 127");
    }

    /**
     * targetsdk, else what the kit is called or holds, else 3.0.4; properties {@code api.<package>} fix other packages'
     * versions.
     */
    private static ApiLevel level(CapElement cap, KitPlace kit) {
        if (kit != null && !cap.getProject().resolveFile(kit.folder).isDirectory()) {
            cap.log(
                    "no SDK in " + kit.folder + ": building with our own declarations of the card API",
                    Project.MSG_INFO);
        }
        String targetsdk = given(cap, "targetsdk", cap.targetsdk);
        try {
            ApiLevel level =
                    targetsdk != null ? named("targetsdk", targetsdk) : kit != null ? ofKit(cap, kit) : fallback(cap);
            for (var one : Declarations.all().packages()) {
                String pinned = cap.getProject().getProperty("api." + one.display());
                if (pinned != null) {
                    level = level.with(one.name(), Version.of(pinned));
                }
            }
            return level;
        } catch (ApiException wrong) {
            throw new BuildException(wrong.getMessage(), wrong);
        }
    }

    /**
     * A kit's folder and what names it.
     *
     * @param source for messages
     */
    private record KitPlace(String source, String folder) {
        /**
         * The property jc.home, else the attribute jckit of cap or task, else JC_HOME (as ant-javacard's) where it
         * tells a level: the variable is the machine's, and no build file knows of it. Or null.
         */
        static KitPlace of(CapElement cap, String taskJckit, Map<String, String> environment) {
            String property = given(cap, JC_HOME_PROPERTY, cap.getProject().getProperty(JC_HOME_PROPERTY));
            if (property != null) {
                return new KitPlace(JC_HOME_PROPERTY, property);
            }
            String attribute = given(cap, "jckit", cap.jckit != null ? cap.jckit : taskJckit);
            if (attribute != null) {
                return new KitPlace("jckit", attribute);
            }
            String variable = environment.get(JC_HOME_VARIABLE);
            if (variable == null || variable.isBlank()) {
                return null;
            }
            if (KitName.level(variable).isEmpty() && inside(cap, variable).isEmpty()) {
                cap.log(
                        JC_HOME_VARIABLE + " names " + variable
                                + ", which tells no Java Card level, so it does not count",
                        Project.MSG_WARN);
                return null;
            }
            return new KitPlace(JC_HOME_VARIABLE, variable);
        }
    }

    /** The value, or null when it is empty or names a property that nobody set: that is no kit at all. */
    private static String given(CapElement cap, String attribute, String value) {
        if (value != null && (value.isBlank() || value.contains("${"))) {
            cap.log(attribute + " is '" + value + "', so it names nothing: that property is not set", Project.MSG_WARN);
            return null;
        }
        return value;
    }

    private static ApiLevel fallback(CapElement cap) {
        cap.log("no targetsdk given: building for Java Card " + DEFAULT_LEVEL, Project.MSG_INFO);
        return ApiLevel.of(DEFAULT_LEVEL);
    }

    private static ApiLevel named(String attribute, String text) {
        return ApiLevel.of(KitName.level(text)
                .orElseThrow(() -> new BuildException(
                        attribute + " '" + text + "' names no Java Card level that is known; write " + KitName.KNOWN)));
    }

    private static Optional<String> inside(CapElement cap, String folder) {
        return KitFolder.level(cap.getProject().resolveFile(folder).toPath());
    }

    /** What the folder is called; else the version of the export files in it. */
    private static ApiLevel ofKit(CapElement cap, KitPlace kit) {
        if (KitName.level(kit.folder).isEmpty()) {
            Optional<String> inside = inside(cap, kit.folder);
            if (inside.isPresent()) {
                cap.log("the export files in " + kit.folder + " are of Java Card " + inside.get(), Project.MSG_INFO);
                return ApiLevel.of(inside.get());
            }
        }
        return named(kit.source, kit.folder);
    }
}

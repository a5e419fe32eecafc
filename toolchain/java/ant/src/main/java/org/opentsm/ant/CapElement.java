// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.util.ArrayList;
import java.util.List;
import org.apache.tools.ant.Task;

/** {@code <cap>}: the attributes and nested elements of ant-javacard, in its spelling. */
public final class CapElement extends Task {
    final List<AppletElement> applets = new ArrayList<>();
    final List<ImportElement> imports = new ArrayList<>();
    final List<SourcesElement> sourceElements = new ArrayList<>();
    String jckit;
    String targetsdk;
    String sources;
    String sources2;
    String classes;
    String includes;
    String excludes;
    String packageName;
    String version;
    String aid;
    String output;
    String export;
    String jar;
    String jca;
    boolean exportmap;
    boolean verify = true;
    boolean debug;
    boolean strip;
    boolean ints;

    public void setJckit(String value) {
        jckit = value;
    }

    public void setTargetsdk(String value) {
        targetsdk = value;
    }

    public void setSources(String value) {
        sources = value;
    }

    public void setSources2(String value) {
        sources2 = value;
    }

    public void setClasses(String value) {
        classes = value;
    }

    public void setIncludes(String value) {
        includes = value;
    }

    public void setExcludes(String value) {
        excludes = value;
    }

    public void setPackage(String value) {
        packageName = value;
    }

    public void setVersion(String value) {
        version = value;
    }

    public void setAid(String value) {
        aid = value;
    }

    public void setOutput(String value) {
        output = value;
    }

    public void setExport(String value) {
        export = value;
    }

    public void setExportmap(boolean value) {
        exportmap = value;
    }

    public void setJar(String value) {
        jar = value;
    }

    public void setJca(String value) {
        jca = value;
    }

    public void setVerify(boolean value) {
        verify = value;
    }

    public void setDebug(boolean value) {
        debug = value;
    }

    public void setStrip(boolean value) {
        strip = value;
    }

    public void setInts(boolean value) {
        ints = value;
    }

    public AppletElement createApplet() {
        AppletElement applet = new AppletElement();
        applets.add(applet);
        return applet;
    }

    public ImportElement createImport() {
        ImportElement element = new ImportElement();
        imports.add(element);
        return element;
    }

    /** The same as import, for build languages in which that word is taken. */
    public ImportElement createJimport() {
        return createImport();
    }

    public SourcesElement createSources() {
        SourcesElement element = new SourcesElement();
        sourceElements.add(element);
        return element;
    }

    void build(String taskJckit) {
        setTaskName("cap");
        CapPlan plan = CapPlan.of(this, taskJckit, System.getenv());
        new CapBuild(this, plan).run();
    }
}

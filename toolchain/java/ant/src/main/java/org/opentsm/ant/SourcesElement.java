// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

/** {@code <sources path="..." includes="..." excludes="..."/>}: one source folder with patterns of its own. */
public final class SourcesElement {
    private String path;
    private String includes;
    private String excludes;

    public void setPath(String value) {
        path = value;
    }

    public void setIncludes(String value) {
        includes = value;
    }

    public void setExcludes(String value) {
        excludes = value;
    }

    String path() {
        return path;
    }

    String includes() {
        return includes;
    }

    String excludes() {
        return excludes;
    }
}

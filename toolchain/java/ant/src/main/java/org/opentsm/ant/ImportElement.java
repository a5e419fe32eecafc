// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

/** {@code <import exps="folder" jar="file"/>}: a package to compile and link against. */
public final class ImportElement {
    private String exps;
    private String jar;

    public void setExps(String value) {
        exps = value;
    }

    public void setJar(String value) {
        jar = value;
    }

    String exps() {
        return exps;
    }

    String jar() {
        return jar;
    }
}

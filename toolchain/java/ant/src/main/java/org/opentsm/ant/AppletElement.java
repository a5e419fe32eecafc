// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import org.opentsm.cap.Aid;

/** {@code <applet class="..." aid="..."/>}: one applet of a CAP. */
public final class AppletElement {
    private String className;
    private Aid aid;

    public void setClass(String value) {
        className = value.trim();
    }

    public void setAid(String value) {
        aid = Hex.aid("applet AID", value);
    }

    String className() {
        return className;
    }

    Aid aid() {
        return aid;
    }
}

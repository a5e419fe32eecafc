// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.util.ArrayList;
import java.util.List;
import org.apache.tools.ant.Task;

/** {@code <javacard><cap .../></javacard>}: builds CAP files from one description, with no vendor kit. */
public class JavaCardTask extends Task {
    private final List<CapElement> caps = new ArrayList<>();
    private String jckit;

    /** Kept for build files shared with ant-javacard; only a level in its name is used ("sdks/jc304_kit"). */
    public void setJckit(String value) {
        jckit = value;
    }

    public CapElement createCap() {
        CapElement cap = new CapElement();
        cap.setProject(getProject());
        cap.setOwningTarget(getOwningTarget());
        cap.setLocation(getLocation());
        caps.add(cap);
        return cap;
    }

    @Override
    public void execute() {
        for (CapElement cap : CapOrder.of(getProject(), caps)) {
            cap.build(jckit);
        }
    }
}

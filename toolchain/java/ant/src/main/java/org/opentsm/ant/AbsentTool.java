// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.util.Locale;
import java.util.Map;
import org.apache.tools.ant.BuildException;
import org.apache.tools.ant.DynamicConfigurator;
import org.apache.tools.ant.Task;

/**
 * A task of the vendor's kit that has no counterpart here: a build file may define it, and only running it ends the
 * build. Takes every attribute and nested element.
 */
public final class AbsentTool extends Task implements DynamicConfigurator {
    private static final Map<String, String> INSTEAD = Map.of(
            "scriptgen", "npx jcardsim-runner load FILE.cap puts a CAP on a simulated card, with no script",
            "deploycap", "npx jcardsim-runner load FILE.cap puts a CAP on a simulated card",
            "apdutool", "npx jcardsim-runner apdu FILE.cap --script FILE sends commands to a simulated card",
            "exp2text", "npx ant-javacard exp dump FILE.exp prints an export file",
            "capdump", "npx ant-javacard dump FILE.cap prints a CAP");

    @Override
    public void setDynamicAttribute(String name, String value) {}

    @Override
    public Object createDynamicElement(String name) {
        return new AbsentTool();
    }

    @Override
    public void execute() {
        String instead = INSTEAD.get(getTaskName().toLowerCase(Locale.ROOT));
        throw new BuildException(
                "<" + getTaskName() + "> is a task of the vendor's kit, and no kit is here"
                        + (instead == null ? "" : "; " + instead)
                        + ". What was built before is there: name a target that ends before it",
                getLocation());
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import org.apache.tools.ant.BuildException;
import org.apache.tools.ant.Project;
import org.apache.tools.ant.taskdefs.Definer;
import org.apache.tools.ant.taskdefs.Taskdef;
import org.apache.tools.ant.taskdefs.Typedef;

/**
 * Definitions of tasks and types that come with the vendor's kits, as the kits' own template of build files has them.
 * What the kit on this machine has is its own; without a kit, {@code VerifyCapTask} is our verifier, and each other
 * one is known and says, when it is run, what there is in its place.
 */
final class KitDefinition {
    private static final String VENDOR = "com.sun.javacard.ant.";
    private static final String VERIFIER = VENDOR + "tasks.VerifyCapTask";

    private KitDefinition() {}

    /** {@code <taskdef>} in a build file. */
    public static final class Tasks extends Taskdef {
        @Override
        public void execute() {
            KitDefinition.define(this, super::execute);
        }
    }

    /** {@code <typedef>} in a build file. */
    public static final class Types extends Typedef {
        @Override
        public void execute() {
            KitDefinition.define(this, super::execute);
        }
    }

    private static void define(Definer definer, Runnable asItStands) {
        String wanted = definer.getClassname();
        if (wanted == null || !wanted.startsWith(VENDOR)) {
            asItStands.run();
            return;
        }
        try {
            asItStands.run();
        } catch (BuildException absent) {
            definer.log("no " + wanted + " here: " + absent.getMessage(), Project.MSG_VERBOSE);
            definer.setClassname((wanted.equals(VERIFIER) ? VerifyTask.class : AbsentTool.class).getName());
            asItStands.run();
        }
    }
}

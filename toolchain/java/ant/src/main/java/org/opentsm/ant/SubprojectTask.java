// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.io.File;
import org.apache.tools.ant.Project;
import org.apache.tools.ant.taskdefs.Ant;

/**
 * {@code <ant dir="..">} that passes over a folder which is not there or empty, as a submodule is that nobody fetched,
 * and over ant-javacard's own sources: public build files begin by building the task, which is not needed here.
 */
public final class SubprojectTask extends Ant {
    private static final String ITSELF = "src/main/java/pro/javacard/ant/JavaCard.java";

    private File folder;

    @Override
    public void setDir(File dir) {
        folder = dir;
        super.setDir(dir);
    }

    @Override
    public void execute() {
        if (folder != null && (isEmpty(folder) || new File(folder, ITSELF).isFile())) {
            log("nothing is built in " + folder + ": what needs its result will say so", Project.MSG_INFO);
            return;
        }
        super.execute();
    }

    private static boolean isEmpty(File folder) {
        String[] names = folder.list();
        return !folder.exists() || names != null && names.length == 0;
    }
}

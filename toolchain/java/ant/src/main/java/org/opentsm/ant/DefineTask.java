// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import org.apache.tools.ant.BuildEvent;
import org.apache.tools.ant.BuildListener;
import pro.javacard.ant.JavaCard;

/** Makes the task known before the build file is read, so that a build file without a taskdef works too. */
public final class DefineTask implements BuildListener {
    @Override
    public void buildStarted(BuildEvent event) {
        event.getProject().addTaskDefinition("javacard", JavaCard.class);
    }

    @Override
    public void buildFinished(BuildEvent event) {
    }

    @Override
    public void targetStarted(BuildEvent event) {
    }

    @Override
    public void targetFinished(BuildEvent event) {
    }

    @Override
    public void taskStarted(BuildEvent event) {
    }

    @Override
    public void taskFinished(BuildEvent event) {
    }

    @Override
    public void messageLogged(BuildEvent event) {
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import com.sun.javacard.ant.tasks.ConverterTask;
import java.util.Map;
import org.apache.tools.ant.AntTypeDefinition;
import org.apache.tools.ant.BuildEvent;
import org.apache.tools.ant.BuildListener;
import org.apache.tools.ant.ComponentHelper;
import org.apache.tools.ant.Project;
import org.apache.tools.ant.RuntimeConfigurable;
import org.apache.tools.ant.Task;
import org.apache.tools.ant.UnknownElement;
import pro.javacard.ant.JavaCard;

/**
 * Makes our tasks known before the build file is read, so that a build file without a taskdef works too. A {@code
 * <get>} that does not say otherwise may fail: most public build files begin by downloading ant-javacard's jar, which
 * is not needed here.
 */
public final class DefineTask implements BuildListener {
    private static final String DOWNLOAD_SECONDS = "60";
    /** Tasks of Ant's that do the same here, and pass over what a build with our own tools needs nothing of. */
    private static final Map<String, Class<? extends Task>> OURS = Map.of(
            "ant", SubprojectTask.class,
            "checksum", Downloads.Checked.class,
            "unzip", Downloads.Unzipped.class,
            "unjar", Downloads.Unzipped.class,
            "untar", Downloads.Untarred.class,
            "javac", AppletJavac.class,
            "taskdef", KitDefinition.Tasks.class,
            "typedef", KitDefinition.Types.class);

    @Override
    public void buildStarted(BuildEvent event) {
        event.getProject().addTaskDefinition("javacard", JavaCard.class);
        event.getProject().addTaskDefinition("convert", ConverterTask.class);
    }

    @Override
    public void buildFinished(BuildEvent event) {}

    @Override
    public void targetStarted(BuildEvent event) {}

    @Override
    public void targetFinished(BuildEvent event) {}

    @Override
    public void taskStarted(BuildEvent event) {
        // Ant's own tasks are defined after the build has started, and it warns of a second definition.
        ComponentHelper known = ComponentHelper.getComponentHelper(event.getProject());
        OURS.forEach((tag, type) -> {
            if (isAnts(known.getDefinition(tag), type)) {
                known.getDefinition(tag).setClass(type);
            }
        });
        if (!(event.getTask() instanceof UnknownElement task)) {
            return;
        }
        Downloads.inConditions(task.getWrapper());
        if (task.getTag().equals("get")) {
            RuntimeConfigurable attributes = task.getWrapper();
            if (!attributes.getAttributeMap().containsKey("ignoreerrors")) {
                attributes.setAttribute("ignoreerrors", "true");
                task.log(
                        "a download that fails does not end the build: what needs its file will say so",
                        Project.MSG_INFO);
            }
            if (!attributes.getAttributeMap().containsKey("maxtime")) {
                attributes.setAttribute("maxtime", DOWNLOAD_SECONDS);
            }
        }
    }

    /** Not what the build file means by the name: a preset, a macro, or a task of another class. */
    private static boolean isAnts(AntTypeDefinition definition, Class<?> ours) {
        Class<?> ants = ours;
        while (ants.getName().startsWith("org.opentsm.")) {
            ants = ants.getSuperclass();
        }
        return definition != null
                && definition.getClass() == AntTypeDefinition.class
                && ants.getName().equals(definition.getClassName());
    }

    @Override
    public void taskFinished(BuildEvent event) {
        if (event.getTask() instanceof UnknownElement task && task.getTag().equals("get")) {
            Downloads.ended(task);
        }
    }

    @Override
    public void messageLogged(BuildEvent event) {}
}

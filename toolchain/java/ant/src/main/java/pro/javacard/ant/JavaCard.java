// SPDX-License-Identifier: Apache-2.0
package pro.javacard.ant;

import org.opentsm.ant.JavaCardTask;

/**
 * The name by which build files know the task. A {@code <taskdef classname="pro.javacard.ant.JavaCard"/>} finds this
 * class or ant-javacard's own, whichever is on the class path, so one build.xml serves both.
 */
public final class JavaCard extends JavaCardTask {}

// SPDX-License-Identifier: Apache-2.0
/**
 * The Ant task and the commands around it: {@link org.opentsm.ant.CapPlan} checks what a build file asks for,
 * {@link org.opentsm.ant.CapBuild} compiles, converts, verifies and writes, {@link org.opentsm.ant.Kit} serves the
 * original ant-javacard.
 */
package org.opentsm.ant;

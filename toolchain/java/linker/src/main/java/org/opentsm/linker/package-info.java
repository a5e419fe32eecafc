// SPDX-License-Identifier: Apache-2.0
/**
 * Links CAP files and turns their bytecode into JVM classes that run on an implementation of the Java Card API.
 * {@link org.opentsm.linker.Linker} is the way in.
 */
package org.opentsm.linker;

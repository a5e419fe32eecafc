// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

/**
 * An object of the platform that an applet may use as long as one of its methods runs, and keep in no field and no
 * array: SecurityException. JCRE 3.0.4 6.2.1.
 */
public interface TemporaryEntryPoint {}

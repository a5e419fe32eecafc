// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.testapplet;

import javacard.framework.Shareable;

public interface VaultCallback extends Shareable {

    byte lengthOfCaller();
}

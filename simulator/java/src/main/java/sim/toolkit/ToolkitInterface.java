// SPDX-License-Identifier: Apache-2.0
package sim.toolkit;

import javacard.framework.Shareable;

/** The interface as the API declares it; 3GPP TS 43.019 annex A. */
public interface ToolkitInterface extends Shareable {
    void processToolkit(byte option);
}

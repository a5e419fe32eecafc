// SPDX-License-Identifier: Apache-2.0
package uicc.toolkit;

import javacard.framework.Shareable;

/** The interface as the API declares it; ETSI TS 102 241 annex A. */
public interface ToolkitInterface extends Shareable {
    void processToolkit(short value);
}

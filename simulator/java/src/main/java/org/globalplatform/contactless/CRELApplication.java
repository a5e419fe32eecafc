// SPDX-License-Identifier: Apache-2.0
package org.globalplatform.contactless;

import javacard.framework.Shareable;

/** The interface as the API declares it; GlobalPlatform Card Specification 2.3.1 annex A. */
public interface CRELApplication extends Shareable {
    void notifyCLEvent(GPCLRegistryEntry gPCLRegistryEntry, short value);
}

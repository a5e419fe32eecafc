// SPDX-License-Identifier: Apache-2.0
package org.globalplatform.contactless;

import org.globalplatform.GPRegistryEntry;

/** The interface as the API declares it; GlobalPlatform Card Specification 2.3.1 annex A. */
public interface CRSApplication extends CRELApplication {
    boolean processCLRequest(GPRegistryEntry gPRegistryEntry, GPCLRegistryEntry gPCLRegistryEntry, short value);
}

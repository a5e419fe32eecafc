// SPDX-License-Identifier: Apache-2.0
package org.globalplatform.contactless;

import javacard.framework.Shareable;

/** The interface as the API declares it; GlobalPlatform Card Specification 2.3.1 annex A. */
public interface CLApplet extends Shareable {
    void notifyCLEvent(short value);
}

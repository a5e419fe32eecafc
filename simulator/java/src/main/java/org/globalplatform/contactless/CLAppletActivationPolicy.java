// SPDX-License-Identifier: Apache-2.0
package org.globalplatform.contactless;

import javacard.framework.Shareable;

/** The interface as the API declares it; GlobalPlatform Card Specification 2.3.1 annex A. */
public interface CLAppletActivationPolicy extends Shareable {
    byte REASON_BUSINESS_POLICY_CONFLICT = 1;
    byte REASON_USER_NOT_VERIFIED = 2;
    byte REASON_UNSPECIFIED = 3;

    boolean acceptActivation();

    short getNextApplicationConflictInfo(byte[] buffer, short value);
}

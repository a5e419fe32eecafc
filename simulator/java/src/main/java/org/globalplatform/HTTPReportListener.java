// SPDX-License-Identifier: Apache-2.0
package org.globalplatform;

import javacard.framework.Shareable;

/** The interface as the API declares it; GlobalPlatform Card Specification 2.3.1 annex A. */
public interface HTTPReportListener extends Shareable {
    short HTTP_SESSION_NO_ERROR = 1;
    short HTTP_SESSION_ERROR = -32767;

    void httpAdministationSessionReport(short value);
}

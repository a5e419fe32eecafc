// SPDX-License-Identifier: Apache-2.0
package org.globalplatform.upgrade;

/** The interface as the API declares it; GlobalPlatform Card Specification 2.3.1 annex A. */
public interface OnUpgradeListener {
    Element onSave();

    void onCleanup();

    void onRestore(Element element);

    void onConsolidate();
}

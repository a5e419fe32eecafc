// SPDX-License-Identifier: Apache-2.0
package org.globalplatform.upgrade;

import javacard.framework.SystemException;

/** Keeps objects over an upgrade of their code (GlobalPlatform amendment H). This card upgrades nothing in place. */
public final class UpgradeManager {

    private UpgradeManager() {}

    public static boolean isUpgrading() {
        return false;
    }

    public static short getPreviousPackageVersion() {
        return 0;
    }

    public static boolean checkPreviousPackageAID(byte[] buffer, short offset, byte length) {
        return false;
    }

    /** @throws SystemException ILLEGAL_USE, as no upgrade is going on */
    public static Element createElement(byte type, short primitives, short objects) {
        throw new SystemException(SystemException.ILLEGAL_USE);
    }

    public static MappedElement matchMappedElement(Object instance) {
        return null;
    }

    public static Object nonNullReference() {
        return new Object();
    }
}

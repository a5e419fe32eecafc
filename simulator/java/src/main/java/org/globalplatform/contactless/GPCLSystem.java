// SPDX-License-Identifier: Apache-2.0
package org.globalplatform.contactless;

import javacard.framework.AID;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import org.globalplatform.GPRegistryEntry;

/**
 * Contactless services (GlobalPlatform amendment C). This card has no contactless registry: nothing is found, nothing
 * can be set.
 */
public class GPCLSystem {

    private GPCLSystem() {}

    private static ISOException refused() {
        return new ISOException(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
    }

    public static GPCLRegistryEntry getGPCLRegistryEntry(AID application) {
        return null;
    }

    public static GPCLRegistryEntry getNextGPCLRegistryEntry(GPCLRegistryEntry entry, short kind) {
        return null;
    }

    public static void setVolatilePriority(GPCLRegistryEntry entry) {
        throw refused();
    }

    public static short getCardCLInfo(byte[] buffer, short offset, short kind) {
        throw refused();
    }

    public static void setCommunicationInterface(short communicationInterface, boolean on) {
        throw refused();
    }

    public static boolean checkCommunicationInterfaceAccess(GPRegistryEntry entry, short communicationInterface) {
        return false;
    }

    public static byte getSecureElementType() {
        return 0;
    }

    public static short getHostDeviceUserInterfaceState() {
        return 0;
    }

    public static void launchHostDeviceApplication(byte[] buffer, short offset, short length) {
        throw refused();
    }

    public static boolean isCommunicationInterfaceEnabled(short communicationInterface) {
        return false;
    }
}

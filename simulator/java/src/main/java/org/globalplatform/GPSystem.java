// SPDX-License-Identifier: Apache-2.0
package org.globalplatform;

import javacard.framework.AID;
import javacard.framework.ISOException;
import org.opentsm.simulator.gp.GlobalPlatform;

/** What the card's OPEN does for the application that calls; GPCS 2.3.1 A.2, org.globalplatform 1.7. */
public class GPSystem {

    public static final byte APPLICATION_INSTALLED = 3;
    public static final byte APPLICATION_SELECTABLE = 7;
    public static final byte SECURITY_DOMAIN_PERSONALIZED = 15;
    public static final byte CARD_OP_READY = 1;
    public static final byte CARD_INITIALIZED = 7;
    public static final byte CARD_SECURED = 15;
    public static final byte CARD_LOCKED = 127;
    public static final byte CARD_TERMINATED = -1;
    public static final byte CVM_GLOBAL_PIN = 17;
    public static final byte GLOBAL_SERVICE_IDENTIFIER = -128;

    public GPSystem() {}

    public static byte getCardContentState() {
        GlobalPlatform platform = GlobalPlatform.current();
        return platform.open().state(platform.caller());
    }

    public static byte getCardState() {
        return GlobalPlatform.current().open().cardState();
    }

    /** @return null for a CVM that the card does not have */
    public static CVM getCVM(byte identifier) {
        return GlobalPlatform.current().cvm(identifier);
    }

    public static SecureChannel getSecureChannel() {
        return GlobalPlatform.current().channel();
    }

    public static boolean lockCard() {
        GlobalPlatform platform = GlobalPlatform.current();
        return platform.open().lockCard(platform.caller());
    }

    public static boolean terminateCard() {
        GlobalPlatform platform = GlobalPlatform.current();
        return platform.open().terminateCard(platform.caller());
    }

    /** This card's ATR is its maker's: never changed. */
    public static boolean setATRHistBytes(byte[] buffer, short offset, byte length) {
        return false;
    }

    public static boolean setCardContentState(byte state) {
        GlobalPlatform platform = GlobalPlatform.current();
        return platform.open().setOwnState(platform.caller(), state);
    }

    /** @return null when there is no such entry, or none the caller may see */
    public static GPRegistryEntry getRegistryEntry(AID application) {
        return GlobalPlatform.current().entry(application);
    }

    /** @throws ISOException 6A88 when nobody offers the service */
    public static GlobalService getService(AID server, short name) {
        return GlobalPlatform.current().service(server, name);
    }

    /** @throws ISOException 6A88, as the card keeps no such information */
    public static short getCardInfo(byte[] buffer, short offset, short kind) {
        throw new ISOException((short) 0x6A88);
    }

    public static short getCardInfoLength(short kind) {
        return 0;
    }
}

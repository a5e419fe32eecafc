// SPDX-License-Identifier: Apache-2.0
package org.globalplatform;

import javacard.framework.AID;
import javacard.framework.Shareable;

/** The interface as the API declares it; GlobalPlatform Card Specification 2.3.1 annex A. */
public interface GPRegistryEntry extends Shareable {
    byte PRIVILEGE_AUTHORIZED_MANAGEMENT = 9;
    byte PRIVILEGE_CARD_LOCK = 3;
    byte PRIVILEGE_CARD_RESET = 5;
    byte PRIVILEGE_CARD_TERMINATE = 4;
    byte PRIVILEGE_CVM_MANAGEMENT = 6;
    byte PRIVILEGE_DAP_VERIFICATION = 1;
    byte PRIVILEGE_DELEGATED_MANAGEMENT = 2;
    byte PRIVILEGE_FINAL_APPLICATION = 14;
    byte PRIVILEGE_GLOBAL_DELETE = 11;
    byte PRIVILEGE_GLOBAL_LOCK = 12;
    byte PRIVILEGE_GLOBAL_REGISTRY = 13;
    byte PRIVILEGE_GLOBAL_SERVICE = 15;
    byte PRIVILEGE_MANDATED_DAP = 7;
    byte PRIVILEGE_RECEIPT_GENERATION = 16;
    byte PRIVILEGE_SECURITY_DOMAIN = 0;
    byte PRIVILEGE_TOKEN_VERIFICATION = 10;
    byte PRIVILEGE_TRUSTED_PATH = 8;
    byte PRIVILEGE_CIPHERED_LOAD_FILE_DATA_BLOCK = 17;

    void deregisterService(short value);

    AID getAID();

    short getPrivileges(byte[] buffer, short value);

    byte getState();

    boolean isAssociated(AID aid);

    boolean isPrivileged(byte option);

    void registerService(short value);

    boolean setState(byte option);
}

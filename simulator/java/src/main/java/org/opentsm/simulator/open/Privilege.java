// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

/** Privileges in the order of their numbers, GPCS 2.3.1 Table 6-1: the ordinal is the number. */
public enum Privilege {
    SECURITY_DOMAIN,
    DAP_VERIFICATION,
    DELEGATED_MANAGEMENT,
    CARD_LOCK,
    CARD_TERMINATE,
    CARD_RESET,
    CVM_MANAGEMENT,
    MANDATED_DAP_VERIFICATION,
    TRUSTED_PATH,
    AUTHORIZED_MANAGEMENT,
    TOKEN_VERIFICATION,
    GLOBAL_DELETE,
    GLOBAL_LOCK,
    GLOBAL_REGISTRY,
    FINAL_APPLICATION,
    GLOBAL_SERVICE,
    RECEIPT_GENERATION,
    CIPHERED_LOAD_FILE_DATA_BLOCK,
    CONTACTLESS_ACTIVATION,
    CONTACTLESS_SELF_ACTIVATION;

    /** The privilege's bit in the three bytes read as one number, privilege 0 on top. */
    public int bit() {
        return 0x800000 >> ordinal();
    }
}

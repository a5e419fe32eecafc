// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import java.util.Arrays;

/**
 * The privileges of one application.
 *
 * @param bits three bytes as one number, byte 1 on top; GPCS 2.3.1 Table 11-7
 */
public record Privileges(int bits) {

    public static final Privileges NONE = new Privileges(0);
    /** GPCS 6.6.2: all that an issuer domain holds at first. */
    public static final Privileges ISSUER = all().without(
                    Privilege.DAP_VERIFICATION,
                    Privilege.DELEGATED_MANAGEMENT,
                    Privilege.MANDATED_DAP_VERIFICATION,
                    Privilege.GLOBAL_SERVICE,
                    Privilege.CIPHERED_LOAD_FILE_DATA_BLOCK,
                    Privilege.CONTACTLESS_ACTIVATION,
                    Privilege.CONTACTLESS_SELF_ACTIVATION);
    /** What a supplementary domain gets when INSTALL names one byte, GPCS Table 6-2. */
    public static final Privileges DOMAIN = of(Privilege.SECURITY_DOMAIN, Privilege.TRUSTED_PATH);

    /** What reaches beyond an application's own hierarchy. */
    static final Privileges CARD_WIDE = of(
            Privilege.CARD_LOCK,
            Privilege.CARD_TERMINATE,
            Privilege.CARD_RESET,
            Privilege.CVM_MANAGEMENT,
            Privilege.MANDATED_DAP_VERIFICATION,
            Privilege.AUTHORIZED_MANAGEMENT,
            Privilege.TOKEN_VERIFICATION,
            Privilege.GLOBAL_DELETE,
            Privilege.GLOBAL_LOCK,
            Privilege.GLOBAL_REGISTRY,
            Privilege.FINAL_APPLICATION,
            Privilege.RECEIPT_GENERATION);

    private static final int RFU = 0x00000F;
    private static final int[] NEED_A_DOMAIN = {
        Privilege.DAP_VERIFICATION.bit(),
        Privilege.DELEGATED_MANAGEMENT.bit(),
        Privilege.MANDATED_DAP_VERIFICATION.bit(),
        Privilege.TRUSTED_PATH.bit(),
        Privilege.AUTHORIZED_MANAGEMENT.bit(),
        Privilege.TOKEN_VERIFICATION.bit(),
        Privilege.RECEIPT_GENERATION.bit(),
        Privilege.CIPHERED_LOAD_FILE_DATA_BLOCK.bit()
    };
    private static final Privilege[] NOT_WITH_DELEGATED = {
        Privilege.AUTHORIZED_MANAGEMENT, Privilege.TOKEN_VERIFICATION, Privilege.RECEIPT_GENERATION
    };

    public static Privileges of(Privilege... privileges) {
        return new Privileges(mask(privileges));
    }

    /** @param bytes one byte, whose other two default by GPCS Table 6-2, or three */
    public static Privileges decode(byte[] bytes) {
        byte[] three = Arrays.copyOf(bytes, 3);
        Privileges read = new Privileges((three[0] & 0xFF) << 16 | (three[1] & 0xFF) << 8 | three[2] & 0xFF);
        boolean oneByteDomain = bytes.length == 1 && read.has(Privilege.SECURITY_DOMAIN);
        return oneByteDomain ? new Privileges(read.bits | Privilege.TRUSTED_PATH.bit()) : read;
    }

    public byte[] encode() {
        return new byte[] {(byte) (bits >> 16), (byte) (bits >> 8), (byte) bits};
    }

    public boolean has(Privilege privilege) {
        return (bits & privilege.bit()) != 0;
    }

    public Privileges with(Privilege... privileges) {
        return new Privileges(bits | mask(privileges));
    }

    public Privileges without(Privilege... privileges) {
        return new Privileges(bits & ~mask(privileges));
    }

    /** True when no bit stands without the one it needs, or beside one it excludes; GPCS 6.6.1, 11.1.2. */
    boolean isConsistent() {
        boolean domain = has(Privilege.SECURITY_DOMAIN);
        boolean delegated = has(Privilege.DELEGATED_MANAGEMENT);
        boolean mandatedAlone = has(Privilege.MANDATED_DAP_VERIFICATION) && !has(Privilege.DAP_VERIFICATION);
        boolean lacksDomain = !domain && Arrays.stream(NEED_A_DOMAIN).anyMatch(bit -> (bits & bit) != 0);
        boolean excluded = delegated && (bits & mask(NOT_WITH_DELEGATED)) != 0;
        return (bits & RFU) == 0 && !mandatedAlone && !lacksDomain && !excluded;
    }

    private static Privileges all() {
        return of(Privilege.values());
    }

    private static int mask(Privilege... privileges) {
        return Arrays.stream(privileges).mapToInt(Privilege::bit).reduce(0, (a, b) -> a | b);
    }
}

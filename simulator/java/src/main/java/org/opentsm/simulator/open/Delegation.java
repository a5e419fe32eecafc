// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import javacard.framework.AID;
import org.opentsm.securitydomain.ApplicationChannel;
import org.opentsm.securitydomain.ContentAuthority;

/**
 * Who may manage content: a domain with Authorized Management for itself, one with Delegated Management
 * with the issuer's token, for which it gets a receipt. GPCS 2.3.1 9.1.3, C.4, C.5.
 */
final class Delegation {

    private static final int MAX_CONFIRMATION = 300;
    private static final int TAG_IIN = 0x42;
    private static final int TAG_CIN = 0x45;
    private static final int TAG_NUMBER = 0x93;
    private static final int TAG_PROVIDER = 0x5F20;

    /**
     * A command as its token signs it.
     *
     * @param signed the data field up to the token
     * @param names  contents of B6, whom the token is good for; null without
     * @param first  what came before it, of a command in two parts; else null
     */
    record Request(int p1, int p2, byte[] signed, byte[] names, byte[] token, Request first) {

        Request(int p1, int p2, byte[] signed, byte[] names, byte[] token) {
            this(p1, p2, signed, names, token, null);
        }

        /** The last part of a command of two: its token is over both, GPCS C.4.7. */
        Request after(Request part) {
            return new Request(p1, p2, signed, names, token, part);
        }

        /** {@code P1 P2 Lc' signed}, Lc' on three bytes when it is over 255; the first part's before the last one's. */
        byte[] signedBytes() {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            if (first != null) {
                out.writeBytes(first.signedBytes());
            }
            out.write(p1);
            out.write(p2);
            if (signed.length > 0xFF) {
                out.write(0);
                out.write(signed.length >> 8);
            }
            out.write(signed.length);
            out.writeBytes(signed);
            return out.toByteArray();
        }
    }

    private final JavaCardRuntime runtime;
    private final Registry registry;

    Delegation(JavaCardRuntime runtime, Registry registry) {
        this.runtime = runtime;
        this.registry = registry;
    }

    /**
     * Checks the right to do what the request says.
     *
     * @return true for a delegated act, which a receipt may follow
     * @throws javacard.framework.ISOException 6985 without privilege or with a token that does not verify, 6A80 with
     *     one that is not needed
     */
    boolean authorize(RegistryEntry caller, Request request) {
        if (!delegates(caller)) {
            requireNoToken(request);
            return false;
        }
        Authority.require(request.token.length != 0);
        Authority.require(
                holders(Privilege.TOKEN_VERIFICATION).anyMatch(verifier -> verifies(verifier, caller, request)));
        return true;
    }

    /**
     * Whether what the caller manages needs a token.
     *
     * @throws javacard.framework.ISOException 6985 for one who manages nothing: without the privilege, or before it is
     *     PERSONALIZED
     */
    boolean delegates(RegistryEntry caller) {
        boolean authorized = caller.has(Privilege.AUTHORIZED_MANAGEMENT);
        Authority.require(LifeCycle.isInUse(caller) && (authorized || caller.has(Privilege.DELEGATED_MANAGEMENT)));
        return !authorized;
    }

    /** A token that is not needed is an error, GPCS 9.1.3.3. */
    static void requireNoToken(Request request) {
        if (request.token.length != 0) {
            throw LvReader.malformed();
        }
    }

    private boolean verifies(RegistryEntry verifier, RegistryEntry caller, Request request) {
        byte[] signed = request.signedBytes();
        byte[] token = request.token;
        return isFor(caller, verifier, request.names)
                && (request.first == null || isFor(caller, verifier, request.first.names))
                && authority(verifier)
                        .verifyToken(
                                withScratch(signed, token),
                                (short) 0,
                                (short) signed.length,
                                (short) signed.length,
                                (short) token.length,
                                (short) (signed.length + token.length));
    }

    /**
     * GPCS 11.1.7: 42 and 45 name the domain that verifies, 5F20 the provider of the one that acts; a number says
     * nothing to a card.
     */
    private boolean isFor(RegistryEntry caller, RegistryEntry verifier, byte[] names) {
        boolean named = true;
        for (Tlv name : names == null ? List.<Tlv>of() : Tlv.all(names)) {
            named &= switch (name.tag()) {
                case TAG_IIN, TAG_CIN -> isNamed(verifier, name);
                case TAG_PROVIDER -> isNamed(caller, name);
                case TAG_NUMBER -> true;
                default -> throw LvReader.malformed();
            };
        }
        return named;
    }

    private boolean isNamed(RegistryEntry domain, Tlv name) {
        byte[] value = name.value();
        return runtime.shared(domain.aid, ApplicationChannel.PARAMETER) instanceof ApplicationChannel channel
                && channel.isNamed((short) name.tag(), value, (short) 0, (short) value.length);
    }

    private static byte[] withScratch(byte[] signed, byte[] signature) {
        byte[] buffer = Arrays.copyOf(signed, signed.length + signature.length + ContentAuthority.SCRATCH_SIZE);
        System.arraycopy(signature, 0, buffer, signed.length, signature.length);
        return buffer;
    }

    /**
     * The confirmation of a delegated act, or null where the card gives none. {@code names}: LV fields of GPCS Table
     * C-5 and following.
     */
    byte[] confirm(boolean delegated, byte[]... names) {
        if (!delegated) {
            return null;
        }
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        for (byte[] name : names) {
            data.write(name.length);
            data.writeBytes(name);
        }
        return holders(Privilege.RECEIPT_GENERATION)
                .map(confirmer -> confirmation(authority(confirmer), data.toByteArray()))
                .filter(confirmation -> confirmation.length != 0)
                .findFirst()
                .orElse(null);
    }

    private static byte[] confirmation(ContentAuthority confirmer, byte[] data) {
        byte[] buffer = Arrays.copyOf(data, data.length + MAX_CONFIRMATION);
        short length = confirmer.confirm(buffer, (short) 0, (short) data.length, (short) data.length);
        return Arrays.copyOfRange(buffer, data.length, data.length + length);
    }

    /**
     * Asks the domain named in a DAP block. @throws javacard.framework.ISOException 6985 unless it has the privilege
     * and agrees
     */
    void requireDap(AID domain, byte[] hash, byte[] signature) {
        boolean right = holders(Privilege.DAP_VERIFICATION)
                .filter(entry -> entry.aid.equals(domain))
                .anyMatch(verifier -> authority(verifier)
                        .verifyDap(
                                withScratch(hash, signature),
                                (short) 0,
                                (short) hash.length,
                                (short) hash.length,
                                (short) signature.length,
                                (short) (hash.length + signature.length)));
        Authority.require(right);
    }

    /** Unlocked domains with this privilege that serve OPEN. */
    private Stream<RegistryEntry> holders(Privilege privilege) {
        return registry.instances().stream()
                .filter(entry -> entry.has(privilege) && !LifeCycle.isLocked(entry) && authority(entry) != null);
    }

    private ContentAuthority authority(RegistryEntry domain) {
        return runtime.shared(domain.aid, ContentAuthority.PARAMETER) instanceof ContentAuthority serving
                ? serving
                : null;
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.function.Predicate;
import javacard.framework.AID;
import org.opentsm.securitydomain.ContentAuthority;

/**
 * Who may manage content: a domain with Authorized Management for itself, one with Delegated Management
 * with the issuer's token, for which it gets a receipt. GPCS 2.3.1 9.1.3, C.4, C.5.
 */
final class Delegation {

    private static final int MAX_CONFIRMATION = 300;

    /**
     * A command as its token signs it.
     *
     * @param signed the data field up to the token
     */
    record Request(int p1, int p2, byte[] signed, byte[] token) {

        /** {@code P1 P2 Lc' signed}, Lc' on three bytes when it is over 255. */
        byte[] signedBytes() {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
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
        if (caller.has(Privilege.AUTHORIZED_MANAGEMENT)) {
            if (request.token.length != 0) {
                throw LvReader.malformed();
            }
            return false;
        }
        Authority.require(caller.has(Privilege.DELEGATED_MANAGEMENT) && request.token.length != 0);
        ContentAuthority verifier = authority(entry -> entry.has(Privilege.TOKEN_VERIFICATION));
        Authority.require(verifier != null);
        byte[] signed = request.signedBytes();
        byte[] buffer = Arrays.copyOf(signed, signed.length + request.token.length);
        System.arraycopy(request.token, 0, buffer, signed.length, request.token.length);
        Authority.require(verifier.verifyToken(
                buffer, (short) 0, (short) signed.length, (short) signed.length, (short) request.token.length));
        return true;
    }

    /**
     * The confirmation of a delegated act, or null where the card gives none. {@code names}: LV fields of GPCS Table
     * C-5 and following.
     */
    byte[] confirm(boolean delegated, byte[]... names) {
        ContentAuthority confirmer = delegated ? authority(entry -> entry.has(Privilege.RECEIPT_GENERATION)) : null;
        if (confirmer == null) {
            return null;
        }
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        for (byte[] name : names) {
            data.write(name.length);
            data.writeBytes(name);
        }
        byte[] buffer = Arrays.copyOf(data.toByteArray(), data.size() + MAX_CONFIRMATION);
        short length = confirmer.confirm(buffer, (short) 0, (short) data.size(), (short) data.size());
        return length == 0 ? null : Arrays.copyOfRange(buffer, data.size(), data.size() + length);
    }

    /**
     * Asks the domain named in a DAP block. @throws javacard.framework.ISOException 6985 unless it has the privilege
     * and agrees
     */
    void requireDap(AID domain, byte[] hash, byte[] signature) {
        ContentAuthority verifier =
                authority(entry -> entry.has(Privilege.DAP_VERIFICATION) && entry.aid.equals(domain));
        Authority.require(verifier != null);
        byte[] buffer = Arrays.copyOf(hash, hash.length + signature.length);
        System.arraycopy(signature, 0, buffer, hash.length, signature.length);
        Authority.require(verifier.verifyDap(
                buffer, (short) 0, (short) hash.length, (short) hash.length, (short) signature.length));
    }

    private ContentAuthority authority(Predicate<RegistryEntry> wanted) {
        return registry.instances().stream()
                .filter(entry -> wanted.test(entry) && !LifeCycle.isLocked(entry))
                .map(entry -> runtime.shared(entry.aid, ContentAuthority.PARAMETER))
                .filter(ContentAuthority.class::isInstance)
                .map(ContentAuthority.class::cast)
                .findFirst()
                .orElse(null);
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.security.interfaces.DSAParams;
import java.security.interfaces.DSAPublicKey;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.bouncycastle.crypto.agreement.DHStandardGroups;
import org.bouncycastle.crypto.params.DHParameters;

/**
 * Domain parameters for key pairs whose applet set none: RFC 3526 and RFC 2409 for Diffie-Hellman, the JDK's for DSA.
 */
final class Groups {

    private static final Map<Integer, DHParameters> DH = Map.of(
            768,
            DHStandardGroups.rfc2409_768,
            1024,
            DHStandardGroups.rfc2409_1024,
            1536,
            DHStandardGroups.rfc3526_1536,
            2048,
            DHStandardGroups.rfc3526_2048,
            3072,
            DHStandardGroups.rfc3526_3072,
            4096,
            DHStandardGroups.rfc3526_4096);
    private static final Map<Integer, DSAParams> DSA = new ConcurrentHashMap<>();

    private Groups() {}

    static boolean hasDh(int sizeBits) {
        return DH.containsKey(sizeBits);
    }

    static DHParameters dh(int sizeBits) {
        return DH.get(sizeBits);
    }

    static boolean hasDsa(int sizeBits) {
        return sizeBits == 512 || sizeBits == 768 || sizeBits == 1024 || sizeBits == 2048;
    }

    static DSAParams dsa(int sizeBits) {
        return DSA.computeIfAbsent(sizeBits, bits -> {
            try {
                KeyPairGenerator generator = KeyPairGenerator.getInstance("DSA");
                generator.initialize(bits);
                return ((DSAPublicKey) generator.generateKeyPair().getPublic()).getParams();
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException(e);
            }
        });
    }
}

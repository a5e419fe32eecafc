// SPDX-License-Identifier: Apache-2.0
package org.opentsm.agent;

import javacard.framework.JCSystem;
import javacard.framework.Util;

/** The pseudo-random function of TLS 1.2, P_SHA256 over label and seed (RFC 5246 5). */
final class Prf {

    static final byte[] MASTER_SECRET = {'m', 'a', 's', 't', 'e', 'r', ' ', 's', 'e', 'c', 'r', 'e', 't'};
    static final byte[] KEY_EXPANSION = {'k', 'e', 'y', ' ', 'e', 'x', 'p', 'a', 'n', 's', 'i', 'o', 'n'};
    static final byte[] CLIENT_FINISHED = {'c', 'l', 'i', 'e', 'n', 't', ' ', 'f', 'i', 'n', 'i', 's', 'h', 'e', 'd'};
    static final byte[] SERVER_FINISHED = {'s', 'e', 'r', 'v', 'e', 'r', ' ', 'f', 'i', 'n', 'i', 's', 'h', 'e', 'd'};

    private static final short CHAIN = (short) 0;
    private static final short BLOCK = Hmac.LENGTH;
    private static final short RAM = (short) (BLOCK + Hmac.LENGTH);

    private final Hmac hmac;
    private final byte[] ram;

    Prf(Hmac hmac) {
        this.hmac = hmac;
        ram = JCSystem.makeTransientByteArray(RAM, JCSystem.CLEAR_ON_RESET);
    }

    /**
     * Writes {@code length} bytes.
     *
     * @param out no part of the seed
     */
    void expand(
            byte[] secret,
            short secretOffset,
            short secretLength,
            byte[] label,
            byte[] seed,
            short seedOffset,
            short seedLength,
            byte[] out,
            short offset,
            short length) {
        hmac.begin(secret, secretOffset, secretLength);
        hmac.update(label, (short) 0, (short) label.length);
        hmac.update(seed, seedOffset, seedLength);
        hmac.finish(ram, CHAIN);
        short done = (short) 0;
        while (done < length) {
            hmac.begin(secret, secretOffset, secretLength);
            hmac.update(ram, CHAIN, Hmac.LENGTH);
            hmac.update(label, (short) 0, (short) label.length);
            hmac.update(seed, seedOffset, seedLength);
            hmac.finish(ram, BLOCK);
            short part = (short) (length - done);
            part = part > Hmac.LENGTH ? Hmac.LENGTH : part;
            Util.arrayCopyNonAtomic(ram, BLOCK, out, (short) (offset + done), part);
            done = (short) (done + part);
            hmac.begin(secret, secretOffset, secretLength);
            hmac.update(ram, CHAIN, Hmac.LENGTH);
            hmac.finish(ram, CHAIN);
        }
        Util.arrayFillNonAtomic(ram, CHAIN, RAM, (byte) 0);
    }
}

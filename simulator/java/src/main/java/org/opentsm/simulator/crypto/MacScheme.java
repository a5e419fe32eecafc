// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.security.MessageDigest;
import java.util.Arrays;
import org.bouncycastle.crypto.Mac;
import org.bouncycastle.crypto.macs.CMac;
import org.bouncycastle.crypto.macs.HMac;
import org.bouncycastle.crypto.params.KeyParameter;

/** HMAC and CMAC. */
final class MacScheme implements SignatureScheme {

    private final Mac mac;

    private MacScheme(Mac mac, byte[] key) {
        this.mac = mac;
        mac.init(new KeyParameter(key));
    }

    static MacScheme hmac(byte digest, byte[] key) {
        return new MacScheme(new HMac(Digests.make(digest)), key);
    }

    static MacScheme aesCmac(byte[] key) {
        return new MacScheme(new CMac(new AesBlocks()), key);
    }

    @Override
    public void update(byte[] in, int offset, int length) {
        mac.update(in, offset, length);
    }

    @Override
    public byte[] sign() {
        byte[] out = new byte[mac.getMacSize()];
        mac.doFinal(out, 0);
        return out;
    }

    @Override
    public boolean verify(byte[] signature) {
        return MessageDigest.isEqual(sign(), signature);
    }

    @Override
    public int lengthBytes() {
        return mac.getMacSize();
    }

    /** What an HMAC key may be: the API has a class for it, and 3.1 takes any secret. */
    static byte[] secret(javacard.security.Key key) {
        if (key instanceof SymmetricKey.Hmac || key instanceof SymmetricKey.Generic) {
            return Arrays.copyOf(((SymmetricKey) key).bytes(), ((SymmetricKey) key).bytes().length);
        }
        throw Fault.illegalValue();
    }
}

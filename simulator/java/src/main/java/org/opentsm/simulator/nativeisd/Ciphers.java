// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

import java.util.Arrays;
import org.bouncycastle.crypto.BlockCipher;
import org.bouncycastle.crypto.Mac;
import org.bouncycastle.crypto.engines.AESEngine;
import org.bouncycastle.crypto.engines.DESEngine;
import org.bouncycastle.crypto.engines.DESedeEngine;
import org.bouncycastle.crypto.macs.CMac;
import org.bouncycastle.crypto.macs.ISO9797Alg3Mac;
import org.bouncycastle.crypto.modes.CBCBlockCipher;
import org.bouncycastle.crypto.paddings.ISO7816d4Padding;
import org.bouncycastle.crypto.params.KeyParameter;
import org.bouncycastle.crypto.params.ParametersWithIV;

/** The few operations of SCP02 and SCP03. */
final class Ciphers {

    private Ciphers() {}

    static byte[] desCbc(boolean encrypt, byte[] key, byte[] vector, byte[] data) {
        return run(CBCBlockCipher.newInstance(new DESedeEngine()), encrypt, key, vector, data);
    }

    static byte[] desEcb(boolean encrypt, byte[] key, byte[] data) {
        return run(new DESedeEngine(), encrypt, key, null, data);
    }

    /** Single DES under the first eight bytes of a key. */
    static byte[] singleDes(byte[] key, byte[] block) {
        return run(new DESEngine(), true, Arrays.copyOf(key, 8), null, block);
    }

    static byte[] aesCbc(boolean encrypt, byte[] key, byte[] vector, byte[] data) {
        return run(CBCBlockCipher.newInstance(AESEngine.newInstance()), encrypt, key, vector, data);
    }

    static byte[] aesBlock(byte[] key, byte[] block) {
        return run(AESEngine.newInstance(), true, key, null, block);
    }

    private static byte[] run(BlockCipher cipher, boolean encrypt, byte[] key, byte[] vector, byte[] data) {
        KeyParameter parameter = new KeyParameter(key);
        cipher.init(encrypt, vector == null ? parameter : new ParametersWithIV(parameter, vector));
        byte[] out = new byte[data.length];
        for (int at = 0; at < data.length; at += cipher.getBlockSize()) {
            cipher.processBlock(data, at, out, at);
        }
        return out;
    }

    /** ISO 9797-1 algorithm 3 with padding method 2. */
    static byte[] retailMac(byte[] key, byte[] vector, byte[] data) {
        ISO9797Alg3Mac mac = new ISO9797Alg3Mac(new DESEngine(), new ISO7816d4Padding());
        mac.init(new ParametersWithIV(new KeyParameter(key), vector));
        return finish(mac, data);
    }

    static byte[] cmac(byte[] key, byte[]... data) {
        CMac mac = new CMac(AESEngine.newInstance());
        mac.init(new KeyParameter(key));
        return finish(mac, data);
    }

    private static byte[] finish(Mac mac, byte[]... data) {
        for (byte[] part : data) {
            mac.update(part, 0, part.length);
        }
        byte[] out = new byte[mac.getMacSize()];
        mac.doFinal(out, 0);
        return out;
    }

    /** 80 and zeros to the next block: always at least the 80. */
    static byte[] pad(byte[] data, int block) {
        byte[] padded = Arrays.copyOf(data, (data.length / block + 1) * block);
        padded[data.length] = (byte) 0x80;
        return padded;
    }

    /** Null when there is no padding. */
    static byte[] unpad(byte[] data) {
        int at = data.length - 1;
        while (at >= 0 && data[at] == 0) {
            at--;
        }
        return at < 0 || data[at] != (byte) 0x80 ? null : Arrays.copyOf(data, at);
    }
}

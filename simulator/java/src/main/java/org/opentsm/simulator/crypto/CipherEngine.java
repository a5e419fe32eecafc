// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.util.Arrays;
import javacard.security.Key;
import javacardx.crypto.Cipher;

/** Every cipher without authentication. Key and mode last over a reset, text and vector do not. */
public final class CipherEngine extends Cipher {

    private final byte algorithm;
    private final byte cipher;
    private final byte padding;
    private Key key;
    private byte mode;
    private transient CipherWork work;
    private transient long resets;

    private CipherEngine(byte algorithm, byte cipher, byte padding) {
        this.algorithm = algorithm;
        this.cipher = cipher;
        this.padding = padding;
    }

    /** @throws javacard.security.CryptoException NO_SUCH_ALGORITHM */
    public static Cipher make(byte algorithm) {
        if (algorithm == AeadEngine.ALG_AES_GCM || algorithm == AeadEngine.ALG_AES_CCM) {
            return AeadEngine.make(algorithm);
        }
        for (byte[] row : CipherTable.ROWS) {
            if (row[0] == algorithm) {
                return new CipherEngine(row[0], row[1], row[2]);
            }
        }
        throw Fault.noSuchAlgorithm();
    }

    /** @throws javacard.security.CryptoException NO_SUCH_ALGORITHM */
    public static Cipher make(byte cipher, byte padding) {
        if (cipher == AeadEngine.CIPHER_AES_GCM || cipher == AeadEngine.CIPHER_AES_CCM) {
            return AeadEngine.make(cipher, padding);
        }
        if (!CipherTable.supports(cipher, padding)) {
            throw Fault.noSuchAlgorithm();
        }
        return new CipherEngine(CipherTable.algorithm(cipher, padding), cipher, padding);
    }

    @Override
    public byte getAlgorithm() {
        return algorithm;
    }

    @Override
    public byte getCipherAlgorithm() {
        return CipherTable.reported(cipher);
    }

    @Override
    public byte getPaddingAlgorithm() {
        return padding;
    }

    @Override
    public void init(Key newKey, byte newMode) {
        begin(newKey, newMode, null);
    }

    @Override
    public void init(Key newKey, byte newMode, byte[] in, short offset, short length) {
        Fault.checkSpan(in, offset, length);
        if (length != CipherTable.vectorLength(cipher) || length == 0) {
            throw Fault.illegalValue();
        }
        begin(newKey, newMode, Arrays.copyOfRange(in, offset, offset + length));
    }

    private void begin(Key newKey, byte newMode, byte[] vector) {
        if (newMode != MODE_ENCRYPT && newMode != MODE_DECRYPT) {
            throw Fault.illegalValue();
        }
        CryptoHost host = CryptoHost.current();
        long start = host.cryptoStarts(cipher != CIPHER_RSA);
        try {
            if (!newKey.isInitialized()) {
                throw Fault.uninitializedKey();
            }
            work = CipherTable.work(cipher, padding, newKey, newMode == MODE_ENCRYPT, vector);
            if (key != newKey || mode != newMode) {
                host.mayHaveChanged();
            }
            key = newKey;
            mode = newMode;
            resets = host.resets();
        } finally {
            host.cryptoEnds(start);
        }
    }

    private CipherWork ready(CryptoHost host) {
        if (key == null) {
            throw Fault.invalidInit();
        }
        if (!key.isInitialized()) {
            throw Fault.uninitializedKey();
        }
        if (work == null || resets != host.resets()) {
            work = CipherTable.work(cipher, padding, key, mode == MODE_ENCRYPT, null);
            resets = host.resets();
        }
        return work;
    }

    @Override
    public short update(byte[] in, short inOffset, short inLength, byte[] out, short outOffset) {
        return run(false, in, inOffset, inLength, out, outOffset);
    }

    @Override
    public short doFinal(byte[] in, short inOffset, short inLength, byte[] out, short outOffset) {
        return run(true, in, inOffset, inLength, out, outOffset);
    }

    private short run(boolean last, byte[] given, short inOffset, short inLength, byte[] out, short outOffset) {
        byte[] in = Fault.input(given, inOffset, inLength);
        CryptoHost host = CryptoHost.current();
        long start = host.cryptoStarts(cipher != CIPHER_RSA);
        try {
            CipherWork engine = ready(host);
            byte[] result = last ? engine.finish(in, inOffset, inLength) : engine.update(in, inOffset, inLength);
            return result.length == 0 ? 0 : Fault.give(host, result, out, outOffset);
        } finally {
            host.cryptoEnds(start);
        }
    }
}

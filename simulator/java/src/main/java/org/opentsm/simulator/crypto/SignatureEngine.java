// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.util.Arrays;
import javacard.security.Key;
import javacard.security.Signature;

/** Every signature and MAC. Key and mode last over a reset, message and vector do not. */
public class SignatureEngine extends Signature {

    private final byte algorithm;
    private final byte digest;
    private final byte cipher;
    private final byte padding;
    private Key key;
    private byte mode;
    private transient SignatureScheme scheme;
    private transient long resets;

    SignatureEngine(SignatureTable.Row row) {
        algorithm = row.algorithm();
        digest = row.digest();
        cipher = row.cipher();
        padding = row.padding();
    }

    /** @throws javacard.security.CryptoException NO_SUCH_ALGORITHM */
    public static Signature make(byte algorithm) {
        return make(SignatureTable.find(algorithm));
    }

    /** @throws javacard.security.CryptoException NO_SUCH_ALGORITHM */
    public static Signature make(byte digest, byte cipher, byte padding) {
        return make(SignatureTable.find(digest, cipher, padding));
    }

    private static Signature make(SignatureTable.Row row) {
        return row.recoversMessage() ? new RecoveryEngine(row) : new SignatureEngine(row);
    }

    private SignatureTable.Row row() {
        return new SignatureTable.Row(algorithm, digest, cipher, padding);
    }

    @Override
    public byte getAlgorithm() {
        return algorithm;
    }

    @Override
    public byte getMessageDigestAlgorithm() {
        return digest;
    }

    @Override
    public byte getCipherAlgorithm() {
        return row().reportedCipher();
    }

    @Override
    public byte getPaddingAlgorithm() {
        return padding;
    }

    @Override
    public short getLength() {
        int known = SignatureTable.lengthBytes(row());
        return (short) (known != 0 ? known : ready(CryptoHost.current()).lengthBytes());
    }

    @Override
    public void init(Key newKey, byte newMode) {
        begin(newKey, newMode, null);
    }

    @Override
    public void init(Key newKey, byte newMode, byte[] in, short offset, short length) {
        Fault.checkSpan(in, offset, length);
        if (length == 0 || length != SignatureTable.vectorLength(row())) {
            throw Fault.illegalValue();
        }
        begin(newKey, newMode, Arrays.copyOfRange(in, offset, offset + length));
    }

    private void begin(Key newKey, byte newMode, byte[] vector) {
        if (newMode != MODE_SIGN && newMode != MODE_VERIFY) {
            throw Fault.illegalValue();
        }
        CryptoHost host = CryptoHost.current();
        long start = host.cryptoStarts(SignatureTable.isMac(cipher));
        try {
            if (!newKey.isInitialized()) {
                throw Fault.uninitializedKey();
            }
            scheme = SignatureTable.scheme(row(), newKey, newMode == MODE_SIGN, vector);
            if (key != newKey || mode != newMode) {
                host.mayHaveChanged();
            }
            key = newKey;
            mode = newMode;
            resets = host.resets();
            begun();
        } finally {
            host.cryptoEnds(start);
        }
    }

    /** A new operation begins. */
    void begun() {
        // The engine with message recovery has more to forget.
    }

    final SignatureScheme ready(CryptoHost host) {
        if (key == null) {
            throw Fault.invalidInit();
        }
        if (!key.isInitialized()) {
            throw Fault.uninitializedKey();
        }
        if (scheme == null || resets != host.resets()) {
            scheme = SignatureTable.scheme(row(), key, mode == MODE_SIGN, null);
            resets = host.resets();
            begun();
        }
        return scheme;
    }

    final SignatureScheme ready(CryptoHost host, byte wanted) {
        SignatureScheme engine = ready(host);
        if (mode != wanted) {
            throw Fault.invalidInit();
        }
        return engine;
    }

    final boolean verifies() {
        return mode == MODE_VERIFY;
    }

    @Override
    public void update(byte[] in, short offset, short length) {
        CryptoHost host = CryptoHost.current();
        long start = host.cryptoStarts(SignatureTable.isMac(cipher));
        try {
            SignatureScheme engine = ready(host);
            engine.update(Fault.input(in, offset, length), offset, length);
        } finally {
            host.cryptoEnds(start);
        }
    }

    @Override
    public short sign(byte[] in, short inOffset, short inLength, byte[] out, short outOffset) {
        CryptoHost host = CryptoHost.current();
        long start = host.cryptoStarts(SignatureTable.isMac(cipher));
        try {
            SignatureScheme engine = ready(host, MODE_SIGN);
            engine.update(Fault.input(in, inOffset, inLength), inOffset, inLength);
            return Fault.give(host, engine.sign(), out, outOffset);
        } finally {
            host.cryptoEnds(start);
        }
    }

    @Override
    public boolean verify(byte[] in, short inOffset, short inLength, byte[] value, short offset, short length) {
        CryptoHost host = CryptoHost.current();
        long start = host.cryptoStarts(SignatureTable.isMac(cipher));
        try {
            SignatureScheme engine = ready(host, MODE_VERIFY);
            byte[] text = Fault.input(in, inOffset, inLength);
            Fault.checkSpan(value, offset, length);
            engine.update(text, inOffset, inLength);
            return engine.verify(Arrays.copyOfRange(value, offset, offset + length));
        } finally {
            host.cryptoEnds(start);
        }
    }

    @Override
    public void setInitialDigest(
            byte[] chain, short chainOffset, short chainLength, byte[] hashed, short hashedOffset, short hashedLength) {
        SignatureScheme engine = ready(CryptoHost.current());
        Fault.checkSpan(chain, chainOffset, chainLength);
        Fault.checkSpan(hashed, hashedOffset, hashedLength);
        engine.resume(
                Arrays.copyOfRange(chain, chainOffset, chainOffset + chainLength),
                Arrays.copyOfRange(hashed, hashedOffset, hashedOffset + hashedLength));
    }

    @Override
    public short signPreComputedHash(byte[] in, short inOffset, short inLength, byte[] out, short outOffset) {
        CryptoHost host = CryptoHost.current();
        long start = host.cryptoStarts(SignatureTable.isMac(cipher));
        try {
            SignatureScheme engine = ready(host, MODE_SIGN);
            Fault.checkSpan(in, inOffset, inLength);
            return Fault.give(
                    host, engine.signHash(Arrays.copyOfRange(in, inOffset, inOffset + inLength)), out, outOffset);
        } finally {
            host.cryptoEnds(start);
        }
    }

    @Override
    public boolean verifyPreComputedHash(
            byte[] in, short inOffset, short inLength, byte[] value, short offset, short length) {
        CryptoHost host = CryptoHost.current();
        long start = host.cryptoStarts(SignatureTable.isMac(cipher));
        try {
            SignatureScheme engine = ready(host, MODE_VERIFY);
            Fault.checkSpan(in, inOffset, inLength);
            Fault.checkSpan(value, offset, length);
            return engine.verifyHash(
                    Arrays.copyOfRange(in, inOffset, inOffset + inLength),
                    Arrays.copyOfRange(value, offset, offset + length));
        } finally {
            host.cryptoEnds(start);
        }
    }
}

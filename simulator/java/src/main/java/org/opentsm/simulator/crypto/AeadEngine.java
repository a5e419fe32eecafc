// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.security.MessageDigest;
import java.util.Arrays;
import javacard.security.Key;
import javacardx.crypto.AEADCipher;

/** AES-GCM and AES-CCM. A nonce serves once: after doFinal() or a reset only the tag can be asked for, then init(). */
public final class AeadEngine extends AEADCipher {

    private final byte cipher;
    private Key key;
    private transient AeadWork work;
    private transient boolean encrypt;
    private transient boolean textBegun;
    private transient boolean finished;
    private transient long resets;

    private AeadEngine(byte cipher) {
        this.cipher = cipher;
    }

    static AeadEngine make(byte algorithm) {
        return new AeadEngine(algorithm == ALG_AES_GCM ? CIPHER_AES_GCM : CIPHER_AES_CCM);
    }

    static AeadEngine make(byte cipher, byte padding) {
        if (padding != PAD_NULL && padding != PAD_NOPAD) {
            throw Fault.noSuchAlgorithm();
        }
        return new AeadEngine(cipher);
    }

    @Override
    public byte getAlgorithm() {
        return cipher == CIPHER_AES_GCM ? ALG_AES_GCM : ALG_AES_CCM;
    }

    @Override
    public byte getCipherAlgorithm() {
        return cipher;
    }

    @Override
    public byte getPaddingAlgorithm() {
        return PAD_NULL;
    }

    /** Neither mode has a default nonce. */
    @Override
    public void init(Key newKey, byte mode) {
        throw Fault.illegalValue();
    }

    @Override
    public void init(Key newKey, byte mode, byte[] nonce, short offset, short length) {
        if (cipher != CIPHER_AES_GCM || length < 1) {
            throw Fault.illegalValue();
        }
        Fault.checkSpan(nonce, offset, length);
        requireMode(newKey, mode);
        begin(
                newKey,
                mode,
                new GcmWork(
                        BlockCiphers.AES.keyed(newKey, true),
                        mode == MODE_ENCRYPT,
                        Arrays.copyOfRange(nonce, offset, offset + length)));
    }

    @Override
    public void init(
            Key newKey,
            byte mode,
            byte[] nonce,
            short offset,
            short length,
            short additionalLength,
            short messageLength,
            short tagSize) {
        if (cipher != CIPHER_AES_CCM) {
            throw Fault.illegalValue();
        }
        Fault.checkSpan(nonce, offset, length);
        requireMode(newKey, mode);
        begin(
                newKey,
                mode,
                new CcmWork(
                        BlockCiphers.AES.keyed(newKey, true),
                        mode == MODE_ENCRYPT,
                        Arrays.copyOfRange(nonce, offset, offset + length),
                        additionalLength,
                        messageLength,
                        tagSize));
    }

    private static void requireMode(Key newKey, byte mode) {
        if (mode != MODE_ENCRYPT && mode != MODE_DECRYPT) {
            throw Fault.illegalValue();
        }
        if (!newKey.isInitialized()) {
            throw Fault.uninitializedKey();
        }
    }

    private void begin(Key newKey, byte mode, AeadWork newWork) {
        key = newKey;
        work = newWork;
        encrypt = mode == MODE_ENCRYPT;
        textBegun = false;
        finished = false;
        resets = CryptoHost.current().resets();
    }

    private AeadWork ready() {
        if (work == null || resets != CryptoHost.current().resets()) {
            throw Fault.invalidInit();
        }
        if (!key.isInitialized()) {
            throw Fault.uninitializedKey();
        }
        return work;
    }

    private AeadWork unfinished() {
        AeadWork engine = ready();
        if (finished) {
            throw Fault.invalidInit();
        }
        return engine;
    }

    @Override
    public void updateAAD(byte[] in, short offset, short length) {
        AeadWork engine = unfinished();
        if (textBegun) {
            throw Fault.illegalUse();
        }
        Fault.checkSpan(in, offset, length);
        engine.additional(in, offset, length);
    }

    @Override
    public short update(byte[] in, short inOffset, short inLength, byte[] out, short outOffset) {
        return run(false, in, inOffset, inLength, out, outOffset);
    }

    @Override
    public short doFinal(byte[] in, short inOffset, short inLength, byte[] out, short outOffset) {
        return run(true, in, inOffset, inLength, out, outOffset);
    }

    private short run(boolean last, byte[] in, short inOffset, short inLength, byte[] out, short outOffset) {
        AeadWork engine = unfinished();
        Fault.checkSpan(in, inOffset, inLength);
        if (inLength > 0) {
            Fault.checkSpan(out, outOffset, inLength);
        }
        CryptoHost host = CryptoHost.current();
        long start = host.cryptoStarts(true);
        try {
            textBegun = true;
            byte[] result = last ? engine.finish(in, inOffset, inLength) : engine.update(in, inOffset, inLength);
            finished = last;
            return result.length == 0 ? 0 : Fault.give(host, result, out, outOffset);
        } finally {
            host.cryptoEnds(start);
        }
    }

    @Override
    public short retrieveTag(byte[] out, short offset, short length) {
        AeadWork engine = ready();
        if (!finished || !encrypt) {
            throw Fault.illegalUse();
        }
        if (!engine.allowsTagLength(length)) {
            throw Fault.illegalValue();
        }
        return Fault.give(CryptoHost.current(), Arrays.copyOf(engine.tag(), length), out, offset);
    }

    @Override
    public boolean verifyTag(byte[] in, short offset, short length, short requiredLength) {
        AeadWork engine = ready();
        if (!finished || encrypt) {
            throw Fault.illegalUse();
        }
        Fault.checkSpan(in, offset, length);
        if (!engine.allowsTagLength(requiredLength) || length < requiredLength) {
            throw Fault.illegalValue();
        }
        return MessageDigest.isEqual(
                Arrays.copyOf(engine.tag(), requiredLength), Arrays.copyOfRange(in, offset, offset + requiredLength));
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.util.Arrays;
import javacard.security.SignatureMessageRecovery;

/** A signature that carries a part of its message: sign(), or beginVerify() and then the rest of the message. */
final class RecoveryEngine extends SignatureEngine implements SignatureMessageRecovery {

    private transient byte[] verified;

    RecoveryEngine(SignatureTable.Row row) {
        super(row);
    }

    @Override
    void begun() {
        verified = null;
    }

    private Iso9796Scheme scheme(CryptoHost host) {
        return (Iso9796Scheme) ready(host);
    }

    @Override
    public void update(byte[] in, short offset, short length) {
        ready(CryptoHost.current());
        if (verifies() && verified == null) {
            throw Fault.illegalUse();
        }
        super.update(in, offset, length);
    }

    /** The plain operations of the superclass have no place for the recovered message. */
    @Override
    public short sign(byte[] in, short inOffset, short inLength, byte[] out, short outOffset) {
        throw Fault.illegalUse();
    }

    @Override
    public boolean verify(byte[] in, short inOffset, short inLength, byte[] value, short offset, short length) {
        throw Fault.illegalUse();
    }

    @Override
    public short sign(
            byte[] in,
            short inOffset,
            short inLength,
            byte[] out,
            short outOffset,
            short[] recovered,
            short recoveredOffset) {
        CryptoHost host = CryptoHost.current();
        long start = host.cryptoStarts(false);
        try {
            ready(host, MODE_SIGN);
            Fault.checkSpan(in, inOffset, inLength);
            Iso9796Scheme scheme = scheme(host);
            scheme.update(in, inOffset, inLength);
            byte[] signature = scheme.sign();
            host.writing(recovered);
            recovered[recoveredOffset] = (short) scheme.recoveredLength();
            return Fault.give(host, signature, out, outOffset);
        } finally {
            host.cryptoEnds(start);
        }
    }

    @Override
    public short beginVerify(byte[] signature, short offset, short length) {
        CryptoHost host = CryptoHost.current();
        long start = host.cryptoStarts(false);
        try {
            ready(host, MODE_VERIFY);
            Fault.checkSpan(signature, offset, length);
            byte[] value = Arrays.copyOfRange(signature, offset, offset + length);
            if (value.length != scheme(host).lengthBytes()) {
                throw Fault.illegalUse();
            }
            byte[] recovered = scheme(host).recover(value);
            verified = value;
            host.writing(signature);
            System.arraycopy(recovered, 0, signature, offset, recovered.length);
            return (short) recovered.length;
        } finally {
            host.cryptoEnds(start);
        }
    }

    @Override
    public boolean verify(byte[] in, short offset, short length) {
        CryptoHost host = CryptoHost.current();
        long start = host.cryptoStarts(false);
        try {
            ready(host, MODE_VERIFY);
            if (verified == null) {
                throw Fault.illegalUse();
            }
            Fault.checkSpan(in, offset, length);
            scheme(host).update(in, offset, length);
            byte[] signature = verified;
            verified = null;
            return scheme(host).verify(signature);
        } finally {
            host.cryptoEnds(start);
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.math.BigInteger;
import java.util.Arrays;
import org.bouncycastle.crypto.AsymmetricBlockCipher;
import org.bouncycastle.crypto.CipherParameters;
import org.bouncycastle.crypto.params.ParametersWithRandom;
import org.bouncycastle.crypto.params.RSAKeyParameters;

/** {@link Rsa} in the shape in which Bouncy Castle's paddings want it. */
final class RsaBlocks implements AsymmetricBlockCipher {

    private Rsa rsa;
    private boolean encrypting;

    /** Numbers under Bouncy Castle's type, without its judgement of moduli. */
    static final class Parameters extends RSAKeyParameters {

        private final Rsa rsa;

        Parameters(Rsa rsa) {
            super(rsa.isPrivate(), rsa.modulus(), rsa.isPrivate() ? BigInteger.ONE : rsa.exponent(), true);
            this.rsa = rsa;
        }
    }

    @Override
    public void init(boolean forEncryption, CipherParameters parameters) {
        CipherParameters key = parameters instanceof ParametersWithRandom random ? random.getParameters() : parameters;
        rsa = ((Parameters) key).rsa;
        encrypting = forEncryption;
    }

    @Override
    public int getInputBlockSize() {
        int length = (rsa.modulus().bitLength() + 7) / 8;
        return encrypting ? length - 1 : length;
    }

    @Override
    public int getOutputBlockSize() {
        int length = (rsa.modulus().bitLength() + 7) / 8;
        return encrypting ? length : length - 1;
    }

    @Override
    public byte[] processBlock(byte[] in, int offset, int length) {
        byte[] block = rsa.apply(Arrays.copyOfRange(in, offset, offset + length));
        int modulusLength = (rsa.modulus().bitLength() + 7) / 8;
        if (encrypting) {
            return block.length == modulusLength ? block : Rsa.fixed(new BigInteger(1, block), modulusLength);
        }
        // The paddings read a deciphered block without its leading zeros.
        int zeros = 0;
        while (zeros < block.length - 1 && block[zeros] == 0) {
            zeros++;
        }
        return Arrays.copyOfRange(block, zeros, block.length);
    }
}

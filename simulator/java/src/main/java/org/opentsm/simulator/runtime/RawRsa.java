package org.opentsm.simulator.runtime;

import java.lang.reflect.Field;
import java.util.Arrays;
import javacardx.crypto.Cipher;
import org.opentsm.simulator.card.Card;

/** RSA without padding as the Java Card API has it: the result is as long as the modulus. */
final class RawRsa {

    private RawRsa() {
    }

    static short doFinal(Cipher cipher, byte[] in, short inOffset, short length, byte[] out, short outOffset) {
        short answered = cipher.doFinal(in, inOffset, length, out, outOffset);
        int missing = blockLengthBytes(cipher) - answered;
        if (missing <= 0) {
            return answered;
        }
        System.arraycopy(out, outOffset, out, outOffset + missing, answered);
        Arrays.fill(out, outOffset, outOffset + missing, (byte) 0);
        return (short) (answered + missing);
    }

    /** In decryption mode jCardSim's input buffer is as long as the modulus; the API has no getter for it. */
    private static int blockLengthBytes(Cipher cipher) {
        try {
            Field buffer = cipher.getClass().getDeclaredField("buffer");
            buffer.setAccessible(true);
            return ((byte[]) buffer.get(cipher)).length;
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("jCardSim's cipher is not as expected", e);
        }
    }
}

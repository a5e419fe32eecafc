package org.opentsm.simulator.runtime;

import java.util.Arrays;
import javacard.framework.APDU;
import javacard.framework.CardRuntimeException;
import javacard.framework.Util;
import javacard.security.CryptoException;
import javacard.security.Key;
import javacard.security.KeyPair;
import javacard.security.MessageDigest;
import javacard.security.RandomData;
import javacard.security.Signature;
import javacardx.crypto.Cipher;

/**
 * What an instrumented applet calls in place of an array store or of a platform method of the same
 * name (the receiver first). Everything here runs in the command of {@link CardRuntime#current()}.
 */
public final class PlatformCalls {

    private static final int JCARDSIM_SEND_LIMIT = 258;

    private PlatformCalls() {
    }

    public static void beforeFieldStore() {
        CardRuntime.current().persistentWrite();
    }

    public static void beforeAllocation() {
        CardRuntime.current().allocation();
    }

    /** A getter of a key or an AID that fills an array of the applet's, which may be a persistent one. */
    public static void beforePlatformWrites() {
        CardRuntime.current().mayHaveChanged();
    }

    /** BASTORE, which serves byte[] and boolean[]. */
    public static void store(Object array, int index, int value) {
        CardRuntime.current().writing(array);
        if (array instanceof byte[] bytes) {
            bytes[index] = (byte) value;
        } else {
            ((boolean[]) array)[index] = (value & 1) != 0;
        }
    }

    public static void store(short[] array, int index, int value) {
        CardRuntime.current().writing(array);
        array[index] = (short) value;
    }

    public static void store(int[] array, int index, int value) {
        CardRuntime.current().writing(array);
        array[index] = value;
    }

    public static void store(Object[] array, int index, Object value) {
        CardRuntime.current().writing(array);
        array[index] = value;
    }

    public static short arrayCopy(byte[] from, short fromOffset, byte[] to, short toOffset, short length) {
        CardRuntime.current().writing(to);
        return Util.arrayCopy(from, fromOffset, to, toOffset, length);
    }

    /** Not atomic: power lost here leaves the first half written. It stands outside a transaction. */
    public static short arrayCopyNonAtomic(byte[] from, short fromOffset, byte[] to, short toOffset, short length) {
        CardRuntime card = CardRuntime.current();
        try {
            card.writing(to);
        } catch (PowerCut cut) {
            Util.arrayCopyNonAtomic(from, fromOffset, to, toOffset, (short) (length / 2));
            throw cut;
        }
        short end = Util.arrayCopyNonAtomic(from, fromOffset, to, toOffset, length);
        card.wroteOutsideTransaction(to, toOffset, length);
        return end;
    }

    public static short arrayFillNonAtomic(byte[] array, short offset, short length, byte value) {
        CardRuntime card = CardRuntime.current();
        card.writing(array);
        short end = Util.arrayFillNonAtomic(array, offset, length, value);
        card.wroteOutsideTransaction(array, offset, length);
        return end;
    }

    public static short setShort(byte[] array, short offset, short value) {
        CardRuntime.current().writing(array);
        return Util.setShort(array, offset, value);
    }

    /** jCardSim refuses the last bytes of its own buffer, where 255 bytes of command data end. */
    public static void sendBytes(APDU apdu, short offset, short length) {
        byte[] buffer = apdu.getBuffer();
        if (offset + length <= JCARDSIM_SEND_LIMIT || offset < 0 || length < 0 || offset + length > buffer.length) {
            apdu.sendBytes(offset, length);
        } else {
            apdu.sendBytesLong(Arrays.copyOfRange(buffer, offset, offset + length), (short) 0, length);
        }
    }

    public static void setOutgoingAndSend(APDU apdu, short offset, short length) {
        apdu.setOutgoing();
        apdu.setOutgoingLength(length);
        sendBytes(apdu, offset, length);
    }

    /**
     * jCardSim's raw RSA takes a full block only in decryption mode, and answers without leading
     * zeros; with no padding both modes are the same operation, so it always gets the mode that works.
     */
    public static void init(Cipher cipher, Key key, byte mode) {
        long start = CardRuntime.current().cryptoStarts();
        try {
            cipher.init(key, cipher.getAlgorithm() == Cipher.ALG_RSA_NOPAD ? Cipher.MODE_DECRYPT : mode);
        } finally {
            CardRuntime.current().cryptoEnds(start);
        }
    }

    public static void init(Cipher cipher, Key key, byte mode, byte[] vector, short offset, short length) {
        long start = CardRuntime.current().cryptoStarts();
        try {
            cipher.init(key, mode, vector, offset, length);
        } finally {
            CardRuntime.current().cryptoEnds(start);
        }
    }

    public static short update(Cipher cipher, byte[] in, short inOffset, short length, byte[] out, short outOffset) {
        CardRuntime card = CardRuntime.current();
        card.writing(out);
        long start = card.cryptoStarts();
        try {
            return cipher.update(in, inOffset, length, out, outOffset);
        } finally {
            card.cryptoEnds(start);
        }
    }

    public static short doFinal(Cipher cipher, byte[] in, short inOffset, short length, byte[] out, short outOffset) {
        CardRuntime card = CardRuntime.current();
        card.writing(out);
        long start = card.cryptoStarts();
        try {
            if (cipher.getAlgorithm() == Cipher.ALG_RSA_NOPAD) {
                return RawRsa.doFinal(cipher, in, inOffset, length, out, outOffset);
            }
            return cipher.doFinal(in, inOffset, length, out, outOffset);
        } catch (CardRuntimeException e) {
            throw e;
        } catch (ArrayIndexOutOfBoundsException e) {
            throw e;
        } catch (RuntimeException e) {
            // Bouncy Castle's own complaints (block too long, bad padding) are ILLEGAL_USE on a card.
            throw new CryptoException(CryptoException.ILLEGAL_USE);
        } finally {
            card.cryptoEnds(start);
        }
    }

    public static void init(Signature signature, Key key, byte mode) {
        long start = CardRuntime.current().cryptoStarts();
        try {
            signature.init(key, mode);
        } finally {
            CardRuntime.current().cryptoEnds(start);
        }
    }

    public static void init(Signature signature, Key key, byte mode, byte[] vector, short offset, short length) {
        long start = CardRuntime.current().cryptoStarts();
        try {
            signature.init(key, mode, vector, offset, length);
        } finally {
            CardRuntime.current().cryptoEnds(start);
        }
    }

    public static void update(Signature signature, byte[] in, short offset, short length) {
        long start = CardRuntime.current().cryptoStarts();
        try {
            signature.update(in, offset, length);
        } finally {
            CardRuntime.current().cryptoEnds(start);
        }
    }

    public static short sign(Signature signature, byte[] in, short inOffset, short length, byte[] out, short outOffset) {
        CardRuntime card = CardRuntime.current();
        card.writing(out);
        long start = card.cryptoStarts();
        try {
            return signature.sign(in, inOffset, length, out, outOffset);
        } finally {
            card.cryptoEnds(start);
        }
    }

    /** A signature the library cannot even parse is one that does not verify. */
    public static boolean verify(Signature signature, byte[] in, short inOffset, short length, byte[] value, short offset, short valueLength) {
        CardRuntime card = CardRuntime.current();
        long start = card.cryptoStarts();
        try {
            return signature.verify(in, inOffset, length, value, offset, valueLength);
        } catch (CardRuntimeException | ArrayIndexOutOfBoundsException | NullPointerException e) {
            throw e;
        } catch (RuntimeException e) {
            return false;
        } finally {
            card.cryptoEnds(start);
        }
    }

    public static void update(MessageDigest digest, byte[] in, short offset, short length) {
        long start = CardRuntime.current().cryptoStarts();
        try {
            digest.update(in, offset, length);
        } finally {
            CardRuntime.current().cryptoEnds(start);
        }
    }

    public static short doFinal(MessageDigest digest, byte[] in, short inOffset, short length, byte[] out, short outOffset) {
        CardRuntime card = CardRuntime.current();
        card.writing(out);
        long start = card.cryptoStarts();
        try {
            return digest.doFinal(in, inOffset, length, out, outOffset);
        } finally {
            card.cryptoEnds(start);
        }
    }

    public static void genKeyPair(KeyPair pair) {
        CardRuntime card = CardRuntime.current();
        card.persistentWrite();
        long start = card.cryptoStarts();
        try {
            pair.genKeyPair();
        } finally {
            card.cryptoEnds(start);
        }
    }

    public static void generateData(RandomData random, byte[] buffer, short offset, short length) {
        CardRuntime card = CardRuntime.current();
        card.writing(buffer);
        card.random().generateData(buffer, offset, length);
    }

    public static short nextBytes(RandomData random, byte[] buffer, short offset, short length) {
        generateData(random, buffer, offset, length);
        return (short) (offset + length);
    }
}

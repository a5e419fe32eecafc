// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

import java.security.MessageDigest;
import java.util.Arrays;

/** SCP03 with a pseudo-random challenge, S8 or S16, by the option. Amendment D 1.1.1 and 1.2. */
final class Scp03Session implements Session {

    private static final int S16 = 0x01;
    private static final int WITH_R_MAC = 0x20;
    private static final int WITH_R_ENCRYPTION = 0x40;
    private static final byte[] ZERO = new byte[16];

    private final KeySet set;
    private final int option;
    private final int size;
    private final byte[] context;
    private final byte[] cardChallenge;
    private final byte[] enc;
    private final byte[] mac;
    private final byte[] responseMac;
    private byte[] chaining = ZERO;
    private int commands;
    private int level;

    /** @param set its counter already counts this session */
    Scp03Session(KeySet set, int option, byte[] hostChallenge, byte[] aid) {
        this.set = set;
        this.option = option;
        size = sizeOf(option);
        byte[] sequence = Bytes.of(set.counter() >> 16, set.counter() >> 8, set.counter());
        cardChallenge = derive(set.enc(), 0x02, size, Bytes.concat(sequence, aid));
        context = Bytes.concat(hostChallenge, cardChallenge);
        int keyLength = set.enc().length;
        enc = derive(set.enc(), 0x04, keyLength, context);
        mac = derive(set.mac(), 0x06, keyLength, context);
        responseMac = derive(set.mac(), 0x07, keyLength, context);
    }

    static int sizeOf(int option) {
        return (option & S16) == 0 ? 8 : 16;
    }

    /** Counter mode of NIST SP 800-108 with CMAC, Amendment D 4.1.5. */
    private static byte[] derive(byte[] key, int constant, int length, byte[] context) {
        byte[] out = new byte[0];
        for (int block = 1; out.length < length; block++) {
            byte[] head = Bytes.concat(new byte[11], Bytes.of(constant, 0, length * 8 >> 8, length * 8, block));
            out = Bytes.concat(out, Ciphers.cmac(key, head, context));
        }
        return Arrays.copyOf(out, length);
    }

    @Override
    public byte[] initialAnswer() {
        return Bytes.concat(
                Bytes.of(set.version(), 0x03, option),
                cardChallenge,
                derive(mac, 0x00, size, context),
                Bytes.of(set.counter() >> 16, set.counter() >> 8, set.counter()));
    }

    @Override
    public boolean knows(int wanted) {
        boolean form =
                wanted == 0 || wanted == 0x01 || wanted == 0x03 || wanted == 0x11 || wanted == 0x13 || wanted == 0x33;
        return form
                && ((wanted & R_MAC) == 0 || (option & WITH_R_MAC) != 0)
                && ((wanted & R_ENCRYPTION) == 0 || (option & WITH_R_ENCRYPTION) != 0);
    }

    @Override
    public boolean authenticate(Command external) {
        byte[] data = external.data();
        if (data.length != 2 * size || !external.isSecure()) {
            return false;
        }
        byte[] given = Arrays.copyOf(data, size);
        chaining = Ciphers.cmac(mac, ZERO, external.macHeader(), external.lc(), given);
        level = external.p1();
        return MessageDigest.isEqual(given, derive(mac, 0x01, size, context)) & isMac(data);
    }

    private boolean isMac(byte[] data) {
        return MessageDigest.isEqual(
                Arrays.copyOf(chaining, size), Arrays.copyOfRange(data, data.length - size, data.length));
    }

    @Override
    public int level() {
        return level;
    }

    @Override
    public int counterAfter() {
        return set.counter();
    }

    @Override
    public Command unwrap(Command command) {
        commands++;
        if ((level & C_MAC) == 0) {
            StatusException.require(!command.isSecure(), Status.SECURITY);
            return command;
        }
        byte[] data = command.data();
        StatusException.require(command.isSecure() && data.length >= size, Status.SECURITY);
        byte[] content = Arrays.copyOf(data, data.length - size);
        chaining = Ciphers.cmac(mac, chaining, command.macHeader(), command.lc(), content);
        StatusException.require(isMac(data), Status.SECURITY);
        return command.plain((level & C_DECRYPTION) != 0 && content.length > 0 ? decipher(content) : content);
    }

    private byte[] decipher(byte[] content) {
        StatusException.require(content.length % 16 == 0, Status.SECURITY);
        byte[] plain = Ciphers.unpad(Ciphers.aesCbc(false, enc, vector(0), content));
        StatusException.require(plain != null, Status.SECURITY);
        return plain;
    }

    private byte[] vector(int top) {
        byte[] counter = new byte[16];
        counter[0] = (byte) top;
        for (int i = 0; i < 4; i++) {
            counter[15 - i] = (byte) (commands >> 8 * i);
        }
        return Ciphers.aesBlock(enc, counter);
    }

    /** Errors go bare, Amendment D 6.2.5. */
    @Override
    public byte[] wrap(byte[] data, int status) {
        int first = status >> 8;
        if ((level & R_MAC) == 0 || first != 0x90 && first != 0x62 && first != 0x63) {
            return data;
        }
        boolean sealed = (level & R_ENCRYPTION) != 0 && data.length > 0;
        byte[] out = sealed ? Ciphers.aesCbc(true, enc, vector(0x80), Ciphers.pad(data, 16)) : data;
        byte[] tag = Ciphers.cmac(responseMac, chaining, out, Bytes.status(status));
        return Bytes.concat(out, Arrays.copyOf(tag, size));
    }

    @Override
    public byte[] openKey(byte[] ciphertext) {
        return Ciphers.aesCbc(false, set.dek(), ZERO, ciphertext);
    }

    @Override
    public int keyBlock() {
        return 16;
    }
}

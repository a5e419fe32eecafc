// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

import java.security.MessageDigest;
import java.util.Arrays;

/**
 * SCP02 i=55: three keys, MAC over the modified APDU, initial vector enciphered, pseudo-random challenge. GPCS 2.3.1 E.
 */
final class Scp02Session implements Session {

    static final int OPTION = 0x55;
    private static final int MAC = 8;
    private static final byte[] ZERO = new byte[8];

    private final KeySet set;
    private final byte[] hostChallenge;
    private final byte[] sequence;
    private final byte[] cardChallenge;
    private final byte[] enc;
    private final byte[] mac;
    private final byte[] dek;
    private byte[] vector = ZERO;
    private int level;

    Scp02Session(KeySet set, byte[] hostChallenge, byte[] aid) {
        this(set, hostChallenge, aid, null);
    }

    /** @param challenge of a recorded session; null for the pseudo-random one */
    Scp02Session(KeySet set, byte[] hostChallenge, byte[] aid, byte[] challenge) {
        this.set = set;
        this.hostChallenge = hostChallenge;
        sequence = Bytes.of(set.counter() >> 8, set.counter());
        enc = derive(set.enc(), 0x0182);
        mac = derive(set.mac(), 0x0101);
        dek = derive(set.dek(), 0x0181);
        cardChallenge = challenge == null ? Arrays.copyOf(Ciphers.retailMac(mac, ZERO, aid), 6) : challenge;
    }

    private byte[] derive(byte[] key, int constant) {
        return Ciphers.desCbc(true, key, ZERO, Bytes.concat(Bytes.of(constant >> 8, constant), sequence, new byte[12]));
    }

    /** Full triple DES MAC: the last block of CBC. */
    private byte[] cryptogram(byte[]... parts) {
        byte[] sealed = Ciphers.desCbc(true, enc, ZERO, Ciphers.pad(Bytes.concat(parts), 8));
        return Arrays.copyOfRange(sealed, sealed.length - 8, sealed.length);
    }

    @Override
    public byte[] initialAnswer() {
        return Bytes.concat(
                Bytes.of(set.version(), 0x02),
                sequence,
                cardChallenge,
                cryptogram(hostChallenge, sequence, cardChallenge));
    }

    @Override
    public boolean knows(int wanted) {
        return wanted == 0 || wanted == C_MAC || wanted == (C_MAC | C_DECRYPTION);
    }

    @Override
    public boolean authenticate(Command external) {
        byte[] data = external.data();
        if (data.length != 16 || !external.isSecure()) {
            return false;
        }
        byte[] given = Arrays.copyOf(data, 8);
        byte[] expected = Ciphers.retailMac(mac, ZERO, Bytes.concat(external.macHeader(), Bytes.of(16), given));
        boolean right = MessageDigest.isEqual(given, cryptogram(sequence, cardChallenge, hostChallenge))
                & MessageDigest.isEqual(expected, Arrays.copyOfRange(data, 8, 16));
        vector = expected;
        level = external.p1();
        return right;
    }

    @Override
    public int level() {
        return level;
    }

    @Override
    public int counterAfter() {
        return set.counter() + 1;
    }

    @Override
    public Command unwrap(Command command) {
        if ((level & C_MAC) == 0) {
            StatusException.require(!command.isSecure(), Status.SECURITY);
            return command;
        }
        byte[] data = command.data();
        StatusException.require(command.isSecure() && data.length >= MAC, Status.SECURITY);
        byte[] content = Arrays.copyOf(data, data.length - MAC);
        byte[] plain = (level & C_DECRYPTION) != 0 && content.length > 0 ? decipher(content) : content;
        byte[] expected = Ciphers.retailMac(
                mac,
                Ciphers.singleDes(mac, vector),
                Bytes.concat(command.macHeader(), Bytes.of(plain.length + MAC), plain));
        StatusException.require(
                MessageDigest.isEqual(expected, Arrays.copyOfRange(data, content.length, data.length)),
                Status.SECURITY);
        vector = expected;
        return command.plain(plain);
    }

    private byte[] decipher(byte[] content) {
        StatusException.require(content.length % 8 == 0, Status.SECURITY);
        byte[] plain = Ciphers.unpad(Ciphers.desCbc(false, enc, ZERO, content));
        StatusException.require(plain != null, Status.SECURITY);
        return plain;
    }

    @Override
    public byte[] wrap(byte[] data, int status) {
        return data;
    }

    @Override
    public byte[] openKey(byte[] ciphertext) {
        return Ciphers.desEcb(false, dek, ciphertext);
    }

    @Override
    public int keyBlock() {
        return 8;
    }
}

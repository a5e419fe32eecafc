// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import org.opentsm.simulator.image.NativeIssuer;

/** PUT KEY and DELETE [key] of whole key sets. GPCS 2.3.1 11.8, 11.2; Amendment D 7.2. */
final class KeyCommands {

    private static final int FIRST_OF_SEVERAL = 0x81;
    private static final int TRIPLE_DES_CBC = 0x82;

    private final NativeIssuer issuer;
    private final KeyStore keys;
    private final ChannelCommands channel;

    KeyCommands(NativeIssuer issuer, KeyStore keys, ChannelCommands channel) {
        this.issuer = issuer;
        this.keys = keys;
        this.channel = channel;
    }

    /** {@code KVN, 3 x (type, L key, 03 KCV)}; answers {@code KVN, 3 KCV}. */
    byte[] put(Command command) {
        StatusException.require(command.p2() == FIRST_OF_SEVERAL && command.p1() <= 0x7F, Status.WRONG_P1P2);
        Fields in = new Fields(command.data());
        int version = in.unsigned();
        StatusException.require(version >= 1 && version <= 0x7F, Status.WRONG_DATA);
        List<byte[]> found = new ArrayList<>();
        byte[] answer = Bytes.of(version);
        int type = 0;
        while (!in.atEnd()) {
            int named = in.unsigned();
            // 82 is triple DES in CBC mode: the same key
            int given = named == TRIPLE_DES_CBC ? KeySet.DES : named;
            boolean known = given == KeySet.DES || given == KeySet.AES;
            StatusException.require(known && (type == 0 || given == type), Status.WRONG_DATA);
            type = given;
            byte[] key = open(in.lv(), type);
            byte[] check = KeySet.checkValue(type, key);
            byte[] claimed = in.lv();
            StatusException.require(MessageDigest.isEqual(check, claimed), Status.SECURITY);
            found.add(key);
            answer = Bytes.concat(answer, check);
        }
        int wanted = issuer.protocol() == 2 ? KeySet.DES : KeySet.AES;
        boolean fits = found.size() == 3
                && type == wanted
                && found.stream().allMatch(key -> key.length == found.get(0).length);
        StatusException.require(fits, Status.WRONG_DATA);
        keys.put(new KeySet(version, type, List.copyOf(found), 0, 0), command.p1());
        return answer;
    }

    /** A block of whole blocks is ciphertext only; else the key's length leads it. */
    private byte[] open(byte[] field, int type) {
        int block = channel.session().keyBlock();
        Fields in = new Fields(field);
        int length = field.length % block == 0 ? field.length : in.unsigned();
        byte[] sealed = in.take(field.length % block == 0 ? field.length : field.length - 1);
        boolean fits = sealed.length > 0
                && sealed.length % block == 0
                && length <= sealed.length
                && sealed.length - length < block;
        boolean known = type == KeySet.AES ? length == 16 || length == 24 || length == 32 : length == 16;
        StatusException.require(fits && known, Status.WRONG_DATA);
        return java.util.Arrays.copyOf(channel.session().openKey(sealed), length);
    }

    /** {@code D2 01 KVN}, maybe with {@code D0 01 KID} of a key that goes with its set. */
    byte[] delete(List<Fields.Tlv> objects) {
        byte[] version = Fields.find(objects, 0xD2);
        StatusException.require(
                version != null && version.length == 1 && Fields.find(objects, 0xD0) == null, Status.WRONG_DATA);
        keys.delete(version[0] & 0xFF);
        return new byte[] {0};
    }
}

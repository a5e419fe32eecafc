// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

import java.util.ArrayList;
import java.util.List;

/** PUT KEY and DELETE [key]. GPCS 2.3.1 11.8, 11.2; Amendment D 7.2. */
final class KeyCommands {

    private static final int ID_MASK = 0x7F;
    private static final int TAG_ID = 0xD0;
    private static final int TAG_VERSION = 0xD2;

    private final KeyStore keys;
    private final ChannelCommands channel;

    KeyCommands(KeyStore keys, ChannelCommands channel) {
        this.keys = keys;
        this.channel = channel;
    }

    /** {@code KVN, key field..}, identifiers count up from P2; answers {@code KVN, KCV..}. */
    byte[] put(Command command) {
        int first = command.p2() & ID_MASK;
        StatusException.require(command.p1() <= 0x7F && first != 0, Status.WRONG_P1P2);
        Fields in = new Fields(command.data());
        int version = in.unsigned();
        StatusException.require(version >= 1 && version <= 0x7F && !in.atEnd(), Status.WRONG_DATA);
        KeyField field = new KeyField(channel.session(), in);
        List<StoredKey> found = new ArrayList<>();
        byte[] answer = Bytes.of(version);
        while (!in.atEnd()) {
            found.add(field.read());
            answer = Bytes.concat(answer, field.check());
        }
        StatusException.require(first + found.size() - 1 <= ID_MASK, Status.WRONG_DATA);
        keys.put(version, first, found, command.p1());
        return answer;
    }

    /**
     * {@code [D0 01 KID] [D2 01 KVN]}: every key that both fit. Some hosts send {@code D2 KVN}, which no length can be
     * meant by but 01.
     */
    byte[] delete(byte[] data) {
        if (data.length == 2 && (data[0] & 0xFF) == TAG_VERSION && data[1] != 1) {
            keys.delete(data[1] & 0xFF, KeyStore.ANY);
            return new byte[] {0};
        }
        List<Fields.Tlv> objects = Fields.tlvs(data);
        Fields.onlyTags(objects, tag -> tag == TAG_ID || tag == TAG_VERSION);
        int version = reference(Fields.find(objects, TAG_VERSION));
        int id = reference(Fields.find(objects, TAG_ID));
        StatusException.require(version != KeyStore.ANY || id != KeyStore.ANY, Status.WRONG_DATA);
        keys.delete(version, id);
        return new byte[] {0};
    }

    private static int reference(byte[] value) {
        StatusException.require(value == null || value.length == 1, Status.WRONG_DATA);
        return value == null ? KeyStore.ANY : value[0] & 0xFF;
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.opentsm.simulator.runtime.CardRuntime;

/** Persistent memory of the domain: key sets and data objects. Each change is one write. */
final class KeyStore {

    private static final int MAX_SETS = 4;

    private final CardRuntime runtime;
    private final Map<Integer, KeySet> sets = new TreeMap<>();
    private final Map<Integer, byte[]> objects = new TreeMap<>();

    KeyStore(CardRuntime runtime, KeySet initial) {
        this.runtime = runtime;
        sets.put(initial.version(), initial);
    }

    List<KeySet> all() {
        return List.copyOf(sets.values());
    }

    /** The set of this version, of the lowest for 0; null when there is none. */
    KeySet find(int version) {
        return version == 0 ? sets.values().iterator().next() : sets.get(version);
    }

    /** Writes counter or failures of a set. */
    void update(KeySet set) {
        runtime.persistentWrite();
        sets.put(set.version(), set);
    }

    /** @param replaces version of the set that goes, or 0 */
    void put(KeySet set, int replaces) {
        StatusException.require(replaces == 0 || sets.containsKey(replaces), Status.NO_REFERENCE);
        StatusException.require(replaces == set.version() || !sets.containsKey(set.version()), Status.WRONG_DATA);
        StatusException.require(replaces != 0 || sets.size() < MAX_SETS, Status.NO_SPACE);
        runtime.persistentWrite();
        sets.remove(replaces);
        sets.put(set.version(), set);
    }

    void delete(int version) {
        StatusException.require(sets.containsKey(version), Status.NO_REFERENCE);
        StatusException.require(sets.size() > 1, Status.CONDITIONS);
        runtime.persistentWrite();
        sets.remove(version);
    }

    byte[] object(int tag) {
        return objects.get(tag);
    }

    void putObject(int tag, byte[] value) {
        runtime.persistentWrite();
        objects.put(tag, value);
    }

    /** Before the card is used: nothing is counted. */
    void makeObject(int tag, byte[] value) {
        if (value != null) {
            objects.put(tag, value);
        }
    }

    byte[] save() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeByte(sets.size());
            for (KeySet set : sets.values()) {
                out.write(new byte[] {(byte) set.version(), (byte) set.type(), (byte) set.enc().length});
                out.writeInt(set.counter());
                out.writeInt(set.failures());
                for (byte[] key : set.keys()) {
                    out.write(key);
                }
            }
            out.writeByte(objects.size());
            for (Map.Entry<Integer, byte[]> object : objects.entrySet()) {
                out.writeShort(object.getKey());
                out.writeShort(object.getValue().length);
                out.write(object.getValue());
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        return bytes.toByteArray();
    }

    void load(byte[] saved) throws IOException {
        DataInputStream in = new DataInputStream(new ByteArrayInputStream(saved));
        sets.clear();
        objects.clear();
        for (int left = in.readUnsignedByte(); left > 0; left--) {
            int version = in.readUnsignedByte();
            int type = in.readUnsignedByte();
            int length = in.readUnsignedByte();
            int counter = in.readInt();
            int failures = in.readInt();
            List<byte[]> keys = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                keys.add(in.readNBytes(length));
            }
            sets.put(version, new KeySet(version, type, List.copyOf(keys), counter, failures));
        }
        for (int left = in.readUnsignedByte(); left > 0; left--) {
            int tag = in.readUnsignedShort();
            objects.put(tag, in.readNBytes(in.readUnsignedShort()));
        }
    }
}

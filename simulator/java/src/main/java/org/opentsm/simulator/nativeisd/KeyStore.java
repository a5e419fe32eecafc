// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.opentsm.simulator.SimulatorException;
import org.opentsm.simulator.runtime.CardRuntime;

/**
 * Persistent memory of the domain: keys and data objects. Each change is one write. Three keys of the channel's kind
 * under KID 1 to 3 of one version are a set that opens sessions.
 */
final class KeyStore {

    /** Of DELETE: whatever the version, or the identifier. */
    static final int ANY = -1;

    static final int NAME = 0x4F;

    /** What the answer to INITIALIZE UPDATE begins with. */
    static final int DIVERSIFICATION = 0xCF;

    /** Leads what is saved; the format before began with the number of its key sets, at most 4. */
    private static final int FORMAT = 0x82;

    private static final int MAX_KEYS = 24;
    private static final int SCP02_VERSIONS = 0x20;
    private static final int SCP03_VERSIONS = 0x30;

    private final CardRuntime runtime;
    private final int kind;
    /** By version and identifier, {@code KVN << 8 | KID}. */
    private final Map<Integer, StoredKey> keys = new TreeMap<>();

    private final Map<Integer, Counts> counts = new TreeMap<>();
    private final Map<Integer, byte[]> objects = new TreeMap<>();

    /** Sessions and refused authentications of a version. */
    private record Counts(int counter, int failures) {}

    KeyStore(CardRuntime runtime, KeySet initial, byte[] name) {
        this.runtime = runtime;
        kind = initial.type();
        for (int i = 0; i < 3; i++) {
            keys.put(
                    initial.version() << 8 | i + 1,
                    StoredKey.secret(kind, initial.keys().get(i)));
        }
        objects.put(NAME, name);
    }

    /** The domain's name, which STORE DATA changes. */
    byte[] aid() {
        return objects.get(NAME);
    }

    /** {@code C0 L KID KVN, {type, length}..} of each key. */
    byte[] information() {
        byte[] out = new byte[0];
        for (Map.Entry<Integer, StoredKey> key : keys.entrySet()) {
            int at = key.getKey();
            out = Bytes.concat(
                    out, Bytes.tlv(0xC0, Bytes.of(at, at >> 8), key.getValue().shape()));
        }
        return out;
    }

    /**
     * The set of this version; null when there is none. For 0 the first of the versions that are customary for the
     * channel, or else the first that opens a session: sets for packets over the air stand below.
     */
    KeySet find(int version) {
        if (version != 0) {
            return set(keys, version);
        }
        int customary = kind == KeySet.DES ? SCP02_VERSIONS : SCP03_VERSIONS;
        List<KeySet> all = sets(keys);
        return all.stream()
                .filter(set -> (set.version() & 0xF0) == customary)
                .findFirst()
                .orElse(all.get(0));
    }

    private List<KeySet> sets(Map<Integer, StoredKey> from) {
        return from.keySet().stream()
                .filter(at -> (at & 0xFF) == 1)
                .map(at -> set(from, at >> 8))
                .filter(set -> set != null)
                .toList();
    }

    private KeySet set(Map<Integer, StoredKey> from, int version) {
        StoredKey first = from.get(version << 8 | 1);
        StoredKey second = from.get(version << 8 | 2);
        StoredKey third = from.get(version << 8 | 3);
        if (first == null || second == null || third == null) {
            return null;
        }
        List<StoredKey> all = List.of(first, second, third);
        int length = first.value().length;
        boolean opens = all.stream().allMatch(key -> key.type() == kind && key.value().length == length)
                && (kind == KeySet.AES || length == 16);
        Counts counted = counts.getOrDefault(version, new Counts(0, 0));
        return opens
                ? new KeySet(
                        version,
                        kind,
                        all.stream().map(StoredKey::value).toList(),
                        counted.counter(),
                        counted.failures())
                : null;
    }

    /** Writes counter and failures of a set. */
    void update(KeySet set) {
        runtime.persistentWrite();
        counts.put(set.version(), new Counts(set.counter(), set.failures()));
    }

    /**
     * Keys under identifiers that count up from {@code first}.
     *
     * @param replaces version of the keys that go, which are of the same types and lengths; or 0
     */
    void put(int version, int first, List<StoredKey> added, int replaces) {
        Map<Integer, StoredKey> next = new TreeMap<>(keys);
        for (int i = 0; i < added.size(); i++) {
            int id = first + i;
            StoredKey old = replaces == 0 ? null : next.remove(replaces << 8 | id);
            StatusException.require(replaces == 0 || old != null, Status.NO_REFERENCE);
            boolean fits = old == null || old.isReplacedBy(added.get(i));
            StatusException.require(fits && next.put(version << 8 | id, added.get(i)) == null, Status.WRONG_DATA);
        }
        StatusException.require(next.size() <= MAX_KEYS, Status.NO_SPACE);
        boolean whole = first == 1 && added.size() >= 3;
        replaceKeys(next, whole ? version : 0);
    }

    /** Every key of this version and this identifier. */
    void delete(int version, int id) {
        Map<Integer, StoredKey> next = new TreeMap<>(keys);
        boolean found = next.keySet()
                .removeIf(at -> (version == ANY || at >> 8 == version) && (id == ANY || (at & 0xFF) == id));
        StatusException.require(found, Status.NO_REFERENCE);
        replaceKeys(next, 0);
    }

    /** One write. 6985 when no set would be left that opens a session. A version that is fresh counts from 0. */
    private void replaceKeys(Map<Integer, StoredKey> next, int fresh) {
        StatusException.require(!sets(next).isEmpty(), Status.CONDITIONS);
        runtime.persistentWrite();
        keys.clear();
        keys.putAll(next);
        counts.keySet()
                .removeIf(version -> version == fresh || keys.keySet().stream().noneMatch(at -> at >> 8 == version));
    }

    byte[] object(int tag) {
        return objects.get(tag);
    }

    void putObjects(Map<Integer, byte[]> changed) {
        runtime.persistentWrite();
        objects.putAll(changed);
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
            out.writeByte(FORMAT);
            out.writeByte(keys.size());
            for (Map.Entry<Integer, StoredKey> key : keys.entrySet()) {
                out.writeShort(key.getKey());
                out.writeByte(key.getValue().shape().length);
                out.write(key.getValue().shape());
                write(out, key.getValue().value());
            }
            out.writeByte(counts.size());
            for (Map.Entry<Integer, Counts> counted : counts.entrySet()) {
                out.writeByte(counted.getKey());
                out.writeInt(counted.getValue().counter());
                out.writeInt(counted.getValue().failures());
            }
            out.writeByte(objects.size());
            for (Map.Entry<Integer, byte[]> object : objects.entrySet()) {
                out.writeShort(object.getKey());
                write(out, object.getValue());
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        return bytes.toByteArray();
    }

    private static void write(DataOutputStream out, byte[] value) throws IOException {
        out.writeShort(value.length);
        out.write(value);
    }

    void load(byte[] saved) throws IOException {
        DataInputStream in = new DataInputStream(new ByteArrayInputStream(saved));
        if (in.readUnsignedByte() != FORMAT) {
            throw new SimulatorException(
                    "state-mismatch", "the saved state is of another version of the native issuer domain");
        }
        keys.clear();
        counts.clear();
        // what an older state has not is as the image has it
        for (int left = in.readUnsignedByte(); left > 0; left--) {
            int at = in.readUnsignedShort();
            byte[] shape = in.readNBytes(in.readUnsignedByte());
            keys.put(at, new StoredKey(shape, in.readNBytes(in.readUnsignedShort())));
        }
        for (int left = in.readUnsignedByte(); left > 0; left--) {
            int version = in.readUnsignedByte();
            int counter = in.readInt();
            counts.put(version, new Counts(counter, in.readInt()));
        }
        for (int left = in.readUnsignedByte(); left > 0; left--) {
            int tag = in.readUnsignedShort();
            objects.put(tag, in.readNBytes(in.readUnsignedShort()));
        }
    }
}

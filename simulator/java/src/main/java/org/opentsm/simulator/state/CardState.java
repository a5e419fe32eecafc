// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.state;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javacard.framework.AID;
import javacard.framework.Applet;
import javacard.framework.ISOException;
import org.opentsm.simulator.SimulatorException;
import org.opentsm.simulator.Threads;
import org.opentsm.simulator.open.FileGrant;
import org.opentsm.simulator.open.LoadedCode;
import org.opentsm.simulator.open.MemoryPromise;
import org.opentsm.simulator.open.Options;
import org.opentsm.simulator.open.PacketTarget;
import org.opentsm.simulator.open.Privileges;
import org.opentsm.simulator.open.Registry;
import org.opentsm.simulator.open.RegistryEntry;
import org.opentsm.simulator.runtime.CardObjects;
import org.opentsm.simulator.runtime.CardRuntime;
import org.opentsm.simulator.runtime.PlatformMemory;

/**
 * A card's persistent state as one file: {@code magic, image digest, random position, card state,
 * what is no applet, load files, instances, static fields, SHA-256}. Written beside and renamed, so a kill leaves the
 * old or the new one.
 */
public final class CardState {

    private static final int MAGIC = 0x4F545335;
    /** Of releases that kept no access domains of INSTALL but those of toolkit applications. */
    private static final int MAGIC_WITHOUT_GRANTS = 0x4F545334;
    /** Of releases in which nobody had references of INSTALL. */
    private static final int MAGIC_WITHOUT_TARGETS = 0x4F545333;

    private static final int CHECK_LENGTH = 32;
    private static final int MAX_COMPONENTS = 1 << 20;
    private static final FileAttribute<?> OWNER_ONLY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

    private final Path file;
    private final byte[] imageDigest;
    private final FileChannel lock;
    private byte[] saved;

    /**
     * Takes the card's place in the folder; the file holds private keys, so it is its owner's alone.
     *
     * @throws SimulatorException {@code state-in-use} when another simulator, or this one, already holds this card
     */
    public CardState(Path file, byte[] imageDigest) {
        this.file = file;
        this.imageDigest = imageDigest;
        try {
            Files.createDirectories(file.getParent());
            lock = FileChannel.open(
                    file.resolveSibling(file.getFileName() + ".lock"),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE);
            if (lock.tryLock() == null) {
                lock.close();
                throw inUse();
            }
        } catch (OverlappingFileLockException e) {
            throw inUse();
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    /** Gives the place free; the state stays. */
    public void close() {
        Threads.closeQuietly(lock);
    }

    public boolean exists() {
        return Files.isRegularFile(file);
    }

    /** Saves when something differs from what the file holds. */
    public void save(CardRuntime card) {
        // jCardSim's engines and RAM are found by thread.
        card.activate();
        byte[] state = encode(card);
        if (Arrays.equals(state, saved)) {
            return;
        }
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        try {
            Files.deleteIfExists(fresh);
            Files.createFile(fresh, OWNER_ONLY);
            Files.write(fresh, state);
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw unwritable(e);
        }
        saved = state;
    }

    /** Lets go of what was saved last; the next save writes the file whether it differs or not. */
    public void forget() {
        saved = null;
    }

    private SimulatorException inUse() {
        return new SimulatorException("state-in-use", "the card of " + file + " is in a simulator already");
    }

    private SimulatorException unwritable(IOException e) {
        return new SimulatorException("state-unwritable", null, "cannot save the card to " + file + ": " + e, e);
    }

    /**
     * @param loadFiles those of the image: their code is not saved
     * @throws SimulatorException when the file is damaged, or of another image or version of the applets
     */
    public void load(CardRuntime card, List<RegistryEntry> loadFiles) {
        card.activate();
        try {
            byte[] state = Files.readAllBytes(file);
            int length = state.length - CHECK_LENGTH;
            if (length < 0 || !Arrays.equals(check(state, length), Arrays.copyOfRange(state, length, state.length))) {
                throw new SimulatorException("state-damaged", "the saved state " + file + " is damaged");
            }
            decode(card, loadFiles, new DataInputStream(new ByteArrayInputStream(state, 0, length)));
            saved = state;
        } catch (SimulatorException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            throw new SimulatorException("state-damaged", null, "the saved state " + file + " is damaged: " + e, e);
        }
    }

    private byte[] encode(CardRuntime card) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(16384);
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeInt(MAGIC);
            out.write(imageDigest);
            for (long part : card.random().position()) {
                out.writeLong(part);
            }
            writeMemory(card, out);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        byte[] state = bytes.toByteArray();
        bytes.writeBytes(check(state, state.length));
        return bytes.toByteArray();
    }

    /** SHA-256 of persistent memory: registry, instances and static fields, not the place in the card's randomness. */
    public static byte[] fingerprint(CardRuntime card) {
        card.activate();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(16384);
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            writeMemory(card, out);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        return check(bytes.toByteArray(), bytes.size());
    }

    private static void writeMemory(CardRuntime card, DataOutputStream out) throws IOException {
        HeapWriter heap = new HeapWriter(out, card.transients());
        Registry registry = card.registry();
        out.writeByte(registry.cardState());
        byte[] issuer = card.nativeIssuer().save();
        out.writeInt(issuer.length);
        out.write(issuer);
        List<RegistryEntry> loadFiles =
                registry.entries().stream().filter(entry -> !entry.isInstance()).toList();
        out.writeShort(loadFiles.size());
        for (RegistryEntry entry : loadFiles) {
            writeLoadFile(out, heap, entry);
        }
        List<RegistryEntry> instances = registry.instances();
        out.writeShort(instances.size());
        for (RegistryEntry entry : instances) {
            writeEntry(out, heap, entry);
        }
        heap.write(card.open().controllingAuthority());
        heap.write(card.platformMemory());
        // Roots first, then what they hold: loading needs every registered AID before an applet names it.
        for (RegistryEntry entry : instances) {
            heap.write(entry.applet);
        }
        List<Class<?>> classes = card.loader().defined().stream()
                .filter(type -> !CardObjects.statics(type).isEmpty())
                .toList();
        out.writeShort(classes.size());
        for (Class<?> type : classes) {
            List<Field> statics = CardObjects.statics(type);
            out.writeUTF(type.getName());
            out.writeUTF(HeapWriter.layout(statics));
            heap.writeFields(statics, null);
        }
    }

    /** Ends the file: a torn or changed one is not taken for a card. */
    private static byte[] check(byte[] state, int length) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(state, 0, length);
            return digest.digest();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Of a load file of the image the name only, of one that was LOADed the bytes. */
    private static void writeLoadFile(DataOutputStream out, HeapWriter heap, RegistryEntry entry) throws IOException {
        byte[] components = entry.code() == null ? new byte[0] : entry.code().components();
        heap.write(entry.aid);
        heap.write(entry.parent());
        out.writeInt(components.length);
        out.write(components);
    }

    private static void writeEntry(DataOutputStream out, HeapWriter heap, RegistryEntry entry) throws IOException {
        out.writeByte(entry.kind.ordinal());
        heap.write(entry.aid);
        out.write(entry.privileges().encode());
        heap.write(entry.parent());
        heap.write(entry.loadFile);
        heap.write(entry.module);
        out.writeByte(entry.state());
        out.writeInt(entry.row().options().implicit());
        out.writeInt(entry.row().options().restricted());
        out.writeInt(entry.row().options().accepts());
        MemoryPromise memory = entry.row().options().memory();
        for (int bytes : new int[] {
            memory.volatileQuota(), memory.persistentQuota(), memory.volatileReserved(), memory.persistentReserved()
        }) {
            out.writeInt(bytes);
        }
        PacketTarget target = entry.row().options().target();
        out.writeShort(target.level());
        out.writeByte(target.references().length);
        out.write(target.references());
        writeGrant(out, entry.row().options().files().user());
        writeGrant(out, entry.row().options().files().administrator());
    }

    /** Behind its length; none is an empty one, which grants as little. */
    private static void writeGrant(DataOutputStream out, byte[] part) throws IOException {
        out.writeShort(part == null ? 0 : part.length);
        out.write(part == null ? new byte[0] : part);
    }

    /** A row whose applet is still to be read. */
    private record Saved(RegistryEntry.Kind kind, AID aid, AID loadFile, AID module, RegistryEntry.Row row) {}

    private void decode(CardRuntime card, List<RegistryEntry> loadFiles, DataInputStream in) throws IOException {
        int magic = in.readInt();
        if (magic != MAGIC && magic != MAGIC_WITHOUT_GRANTS && magic != MAGIC_WITHOUT_TARGETS) {
            throw new SimulatorException("state-damaged", file + " is not a saved card");
        }
        if (!Arrays.equals(in.readNBytes(imageDigest.length), imageDigest)) {
            throw new SimulatorException(
                    "state-mismatch",
                    file + " was saved from another image of this name; remove it to start a new card");
        }
        HeapReader heap = new HeapReader(in, card);
        card.random().moveTo(new long[] {in.readLong(), in.readLong()});
        byte cardState = in.readByte();
        card.nativeIssuer().load(in.readNBytes(Math.min(in.readInt(), MAX_COMPONENTS)));
        readLoadFiles(card, loadFiles, in, heap);
        List<Saved> rows = new ArrayList<>();
        for (int left = in.readUnsignedShort(); left > 0; left--) {
            rows.add(readRow(in, heap, magic));
        }
        card.open().setControllingAuthority((AID) heap.read());
        card.restore((PlatformMemory) heap.read());
        for (Saved saved : rows) {
            RegistryEntry loadFile = card.registry().find(saved.loadFile);
            if (loadFile == null) {
                throw new SimulatorException(
                        "state-damaged", file + " holds an instance of a load file it does not hold");
            }
            card.registry()
                    .add(RegistryEntry.instance(
                            saved.kind, saved.aid, loadFile, saved.module, (Applet) heap.read(), saved.row));
        }
        card.registry().setCardState(cardState);
        for (int left = in.readUnsignedShort(); left > 0; left--) {
            readStatics(card, in, heap);
        }
    }

    private static void readLoadFiles(CardRuntime card, List<RegistryEntry> known, DataInputStream in, HeapReader heap)
            throws IOException {
        for (int left = in.readUnsignedShort(); left > 0; left--) {
            AID aid = (AID) heap.read();
            AID parent = (AID) heap.read();
            int length = in.readInt();
            if (length < 0 || length > MAX_COMPONENTS) {
                throw new SimulatorException(
                        "state-damaged", "the saved state holds a load file of " + length + " bytes");
            }
            byte[] components = in.readNBytes(length);
            RegistryEntry entry = length == 0
                    ? known.stream()
                            .filter(candidate -> candidate.aid.equals(aid))
                            .findFirst()
                            .orElse(null)
                    : linked(card, aid, parent, components);
            if (entry != null) {
                card.registry().addLoadFile(entry, parent);
            }
        }
    }

    private static RegistryEntry linked(CardRuntime card, AID aid, AID parent, byte[] components) {
        LoadedCode code;
        try {
            code = card.link(components);
        } catch (ISOException e) {
            throw new SimulatorException("state-mismatch", "a load file of the saved state cannot be linked any more");
        }
        card.add(code);
        return RegistryEntry.loaded(aid, parent, code);
    }

    private static Saved readRow(DataInputStream in, HeapReader heap, int magic) throws IOException {
        RegistryEntry.Kind kind = RegistryEntry.Kind.values()[in.readUnsignedByte()];
        AID aid = (AID) heap.read();
        Privileges privileges = Privileges.decode(in.readNBytes(3));
        AID parent = (AID) heap.read();
        return new Saved(
                kind,
                aid,
                (AID) heap.read(),
                (AID) heap.read(),
                new RegistryEntry.Row(
                        in.readByte(),
                        parent,
                        privileges,
                        new Options(
                                in.readInt(),
                                in.readInt(),
                                in.readInt(),
                                new MemoryPromise(in.readInt(), in.readInt(), in.readInt(), in.readInt()),
                                magic == MAGIC_WITHOUT_TARGETS ? PacketTarget.NONE : readTarget(in),
                                magic == MAGIC ? new FileGrant(readGrant(in), readGrant(in)) : FileGrant.NONE)));
    }

    private static PacketTarget readTarget(DataInputStream in) throws IOException {
        int level = in.readUnsignedShort();
        return new PacketTarget(in.readNBytes(in.readUnsignedByte()), level);
    }

    private static byte[] readGrant(DataInputStream in) throws IOException {
        int length = in.readUnsignedShort();
        return length == 0 ? null : in.readNBytes(length);
    }

    private static void readStatics(CardRuntime card, DataInputStream in, HeapReader heap) throws IOException {
        String name = in.readUTF();
        String layout = in.readUTF();
        Class<?> type;
        try {
            type = Class.forName(name, true, card.loader());
        } catch (ClassNotFoundException e) {
            throw new SimulatorException("state-mismatch", null, "the saved state needs the class " + name, e);
        }
        List<Field> statics = CardObjects.statics(type);
        if (!HeapWriter.layout(statics).equals(layout)) {
            throw new SimulatorException("state-mismatch", "the saved state is of another version of " + name);
        }
        heap.readFields(statics, null);
    }
}

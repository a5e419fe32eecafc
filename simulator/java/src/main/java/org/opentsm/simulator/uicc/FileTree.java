// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import org.opentsm.simulator.image.PinSetup;
import org.opentsm.simulator.uicc.FileFault.Reason;

/**
 * All files of a card by number: those it came with, from the master file on, then those that were made. The card's
 * memory says which are there; this reads it anew at each look, so that a transaction may take back what it did.
 */
public final class FileTree {

    /** How many files may be made. */
    private static final int ROOM = 128;

    private final CardFile master;
    private final Pins pins;
    private final List<CardFile> given = new ArrayList<>();
    private FileMemory memory;
    /** Made files as read from the memory's description of them. */
    private final Map<Integer, Read> read = new HashMap<>();
    /** Who has a file selected that one may have selected at a time. */
    private final Map<Integer, WeakReference<short[]>> holders = new HashMap<>();

    /** Data objects that are read or written block by block, by whose place it is. */
    private final Map<short[], DataTransfer> transfers = new WeakHashMap<>();

    private record Read(byte[] description, CardFile file) {}

    FileTree(CardFile master, List<PinSetup> pins) {
        this.master = master;
        this.pins = new Pins(pins);
        number(master);
    }

    Map<short[], DataTransfer> transfers() {
        return transfers;
    }

    Pins pins() {
        return pins;
    }

    private void number(CardFile file) {
        file.number = given.size();
        given.add(file);
        file.given().forEach(this::number);
    }

    /** A fresh card's memory of these files. */
    public FileMemory memory() {
        FileMemory made = new FileMemory(given.size(), isWhole() ? ROOM : 0, layout(), pins.initial());
        given.forEach(file -> made.begin(file.number, file.initial().clone(), file.initialLife()));
        return made;
    }

    /** Changes with each file that a card of another version came with. */
    private int layout() {
        int sum = 0;
        for (CardFile file : given) {
            sum = 31 * sum + file.identifier;
            sum = 31 * sum + file.recordLength;
            sum = 31 * sum + (file.parent == null ? 0 : file.parent.number);
        }
        return sum;
    }

    /** Takes the bodies from there. */
    public void live(FileMemory from) {
        if (memory != from) {
            from.require(layout());
            memory = from;
            pins.live(from.pins());
            given.forEach(file -> file.live(from));
            read.clear();
        }
    }

    /** True for the files of a UICC, false for EF.ICCID alone. */
    boolean isWhole() {
        return given.size() > 2;
    }

    CardFile master() {
        return master;
    }

    /** The file of a number; the master file when there is none. */
    CardFile at(int number) {
        CardFile found = find(number);
        return found == null ? master : found;
    }

    private CardFile find(int number) {
        if (number < 0 || number >= memory.capacity() || memory.life(number) == FileMemory.ABSENT) {
            return null;
        }
        CardFile file = number < given.size() ? given.get(number) : made(number);
        return file == null || file.parent != null && find(file.parent.number) != file.parent ? null : file;
    }

    private CardFile made(int number) {
        byte[] description = memory.made(number);
        if (description == null) {
            return null;
        }
        Read known = read.get(number);
        if (known == null || known.description != description) {
            CardFile file = new NewFile(Arrays.copyOfRange(description, 2, description.length)).file();
            file.number = number;
            file.live(memory);
            known = new Read(description, file);
            read.put(number, known);
        }
        known.file.parent = find((description[0] & 0xFF) << 8 | description[1] & 0xFF);
        return known.file.parent == null ? null : known.file;
    }

    List<CardFile> children(CardFile directory) {
        List<CardFile> found = new ArrayList<>();
        for (int number = 0; number < memory.capacity(); number++) {
            CardFile file = find(number);
            if (file != null && file.parent == directory) {
                found.add(file);
            }
        }
        return found;
    }

    /** A file in a directory; null when there is none of this identifier. */
    CardFile child(CardFile directory, int identifier) {
        return children(directory).stream()
                .filter(file -> file.identifier == identifier && file.name == null)
                .findFirst()
                .orElse(null);
    }

    /** The directory of an application by its name or the beginning of it; null when there is none. */
    CardFile application(byte[] name) {
        for (int number = 0; number < memory.capacity(); number++) {
            CardFile file = find(number);
            if (file != null
                    && file.name != null
                    && name.length <= file.name.length
                    && name.length >= 5
                    && Arrays.equals(name, Arrays.copyOf(file.name, name.length))) {
                return file;
            }
        }
        return null;
    }

    /**
     * SELECT by identifier, TS 102 221 8.4.1: below the current directory, beside it, above it, the master file, and
     * the directory of the application.
     *
     * @param application directory of the application that is selected, or null
     * @param confined    true when nothing outside of that directory is to be reached
     */
    CardFile select(CardFile current, int identifier, CardFile application, boolean confined) {
        CardFile directory = current.isDirectory() ? current : current.parent;
        boolean inside = confined && application != null;
        CardFile found = null;
        if (identifier == CardFile.MASTER) {
            found = inside ? null : master;
        } else if (identifier == CardFile.APPLICATION) {
            found = application;
        } else {
            found = child(directory, identifier);
            CardFile above = inside && directory == application ? null : directory.parent;
            if (found == null && above != null) {
                CardFile beside = child(above, identifier);
                boolean up = above.identifier == identifier;
                found = up ? above : beside != null && beside.isDirectory() ? beside : null;
            }
        }
        if (found == null) {
            throw new FileFault(Reason.FILE_NOT_FOUND);
        }
        return found;
    }

    CardFile byShortIdentifier(CardFile current, int shortIdentifier) {
        CardFile directory = current.isDirectory() ? current : current.parent;
        return children(directory).stream()
                .filter(file -> shortIdentifier != 0 && file.shortIdentifier == shortIdentifier)
                .findFirst()
                .orElseThrow(() -> new FileFault(Reason.FILE_NOT_FOUND));
    }

    /** Notes who selects a file. @throws FileFault NOT_SHAREABLE when another one has it, TS 102 221 8.6 */
    void hold(CardFile file, short[] place) {
        if (file.isShareable()) {
            return;
        }
        WeakReference<short[]> known = holders.get(file.number);
        short[] holder = known == null ? null : known.get();
        if (holder != null && holder != place && holder[0] == file.number) {
            throw new FileFault(Reason.NOT_SHAREABLE);
        }
        holders.put(file.number, new WeakReference<>(place));
    }

    /** Makes a file in a directory. @throws FileFault NOT_ENOUGH_MEMORY when there are too many */
    CardFile make(CardFile directory, byte[] parameters) {
        NewFile description = new NewFile(parameters);
        sweep();
        int number = given.size();
        while (number < memory.capacity() && find(number) != null) {
            number++;
        }
        if (number == memory.capacity()) {
            throw new FileFault(Reason.NOT_ENOUGH_MEMORY);
        }
        byte[] row = new byte[2 + parameters.length];
        row[0] = (byte) (directory.number >> 8);
        row[1] = (byte) directory.number;
        System.arraycopy(parameters, 0, row, 2, parameters.length);
        memory.made(number, null);
        memory.body(number, description.body());
        memory.life(number, description.life());
        memory.made(number, row);
        return find(number);
    }

    /** Takes a file away with one write, then what was in it. */
    void delete(CardFile file) {
        memory.life(file.number, FileMemory.ABSENT);
        sweep();
    }

    /** What stood in a directory that is gone must not come back with the next one of its number. */
    private void sweep() {
        for (int number = 0; number < memory.capacity(); number++) {
            if (memory.life(number) != FileMemory.ABSENT && find(number) == null) {
                memory.life(number, FileMemory.ABSENT);
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import java.util.EnumSet;
import java.util.Set;
import org.opentsm.simulator.uicc.CardFile.Structure;
import org.opentsm.simulator.uicc.FileFault.Reason;

/** Makes, deletes, resizes and terminates files where somebody is in the file system; ETSI TS 102 222 6. */
public final class FileAdministration {

    private static final int CREATE_FILE = 0x02;
    private static final int CREATE_DIRECTORY = 0x04;
    private static final int TERMINATE = 0x20;
    private static final int DELETE = 0x40;
    private static final int RESIZE = FilePlace.MOST_MODES + 0xD4;

    private static final Set<Structure> RESIZED =
            EnumSet.of(Structure.DIRECTORY, Structure.TRANSPARENT, Structure.LINEAR, Structure.BER_TLV);

    private final FilePlace place;
    private final FileTree tree;

    public FileAdministration(FilePlace place) {
        this.place = place;
        this.tree = place.tree();
    }

    /**
     * Makes a file in the current directory, which becomes the selected one.
     *
     * @param parameters value of the control parameters, tag 62
     * @throws FileFault INCORRECT_PARAMETERS, SECURITY, ALREADY_THERE, NAME_ALREADY_THERE, NOT_ENOUGH_MEMORY
     */
    public void create(byte[] parameters) {
        NewFile wanted = new NewFile(parameters);
        CardFile made = wanted.file();
        CardFile directory = place.directory();
        requireAlive(directory);
        place.allow(directory, made.isDirectory() ? CREATE_DIRECTORY : CREATE_FILE);
        boolean reserved = made.identifier == CardFile.MASTER
                || made.identifier == CardFile.APPLICATION && made.name == null
                || made.identifier == 0xFFFF;
        if (reserved) {
            throw new FileFault(Reason.INCORRECT_PARAMETERS);
        }
        boolean here = tree.child(directory, made.identifier) != null;
        boolean above = directory.identifier == made.identifier
                || directory.parent != null && directory.parent.identifier == made.identifier;
        if (here || above) {
            throw new FileFault(Reason.ALREADY_THERE);
        }
        if (made.name != null && (made.name.length < 5 || tree.application(made.name) != null)) {
            throw new FileFault(Reason.NAME_ALREADY_THERE);
        }
        place.go(tree.make(directory, parameters));
    }

    /**
     * Deletes an elementary file of the current directory, or a directory with all in it. Who had it selected is in the
     * directory above then.
     *
     * @throws FileFault FILE_NOT_FOUND, SECURITY
     */
    public void delete(int identifier) {
        CardFile file = child(identifier);
        place.allow(file, DELETE);
        CardFile directory = place.directory();
        boolean selected = place.file() == file || isIn(directory, file);
        CardFile above = file.parent;
        tree.delete(file);
        if (selected) {
            place.go(above);
        }
    }

    private static boolean isIn(CardFile directory, CardFile file) {
        for (CardFile at = directory; at != null; at = at.parent) {
            if (at == file) {
                return true;
            }
        }
        return false;
    }

    /** A directory may also name itself. */
    private CardFile child(int identifier) {
        CardFile directory = place.directory();
        CardFile found = tree.child(directory, identifier);
        boolean itself = found == null && directory.identifier == identifier && directory.parent != null;
        if (found == null && !itself) {
            throw new FileFault(Reason.FILE_NOT_FOUND);
        }
        return itself ? directory : found;
    }

    /**
     * Gives a transparent file, or a linear one, another size: the end goes, or FF comes behind it. Of a file of data
     * objects what is kept for it (80) and what it may grow to (86 in A5).
     *
     * @param emptying mode 1: objects that the new size has no room for are deleted, all of them; in mode 0 that is
     *     refused
     * @throws FileFault INCORRECT_PARAMETERS, FILE_NOT_FOUND, INCOMPATIBLE, SECURITY, DEACTIVATED, TERMINATED,
     *     NOT_ENOUGH_MEMORY
     */
    public void resize(byte[] parameters, boolean emptying) {
        NewFile wanted = new NewFile(parameters);
        CardFile file = child(wanted.identifier());
        requireAlive(file);
        boolean directory = file.isDirectory();
        if (directory != wanted.hasDirectorySize() || !RESIZED.contains(file.structure)) {
            throw new FileFault(Reason.INCOMPATIBLE);
        }
        place.allow(file, RESIZE);
        if (!file.isActive()) {
            throw new FileFault(Reason.DEACTIVATED);
        }
        if (file.structure == Structure.BER_TLV) {
            resizeObjects(file, wanted, emptying);
            return;
        }
        if (emptying) {
            throw new FileFault(Reason.INVALID_MODE);
        }
        if (directory) {
            return;
        }
        int size = wanted.size();
        if (file.recordLength > 0 && (size % file.recordLength != 0 || size / file.recordLength > 254)) {
            throw new FileFault(Reason.INCORRECT_PARAMETERS);
        }
        file.resize(size);
    }

    /** What goes, goes before the size: a power cut in between leaves a file without objects, none with too many. */
    private static void resizeObjects(CardFile file, NewFile wanted, boolean emptying) {
        int most = wanted.maximumSize() == null ? file.maximumSize() : wanted.largestSize();
        boolean tooSmall = most < file.size();
        if (tooSmall && !emptying) {
            throw new FileFault(Reason.NOT_ENOUGH_MEMORY);
        }
        byte[] changed = file.resized(wanted);
        if (tooSmall) {
            file.replace(new byte[0]);
        }
        file.describe(changed);
    }

    /** Ends the life of the selected file: it can be selected and deleted, no more. TS 102 222 6.7 and 6.8. */
    public void terminate(boolean directory) {
        CardFile file = place.file();
        if (file.isDirectory() != directory || file.parent == null) {
            throw new FileFault(Reason.INCOMPATIBLE);
        }
        place.allow(file, TERMINATE);
        file.become(FileMemory.TERMINATED);
    }

    private static void requireAlive(CardFile file) {
        if (file.isTerminated()) {
            throw new FileFault(Reason.TERMINATED);
        }
    }
}

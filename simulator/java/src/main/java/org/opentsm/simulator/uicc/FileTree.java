// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** All files of a card, numbered from the master file on. */
public final class FileTree {

    private final CardFile master;
    private final List<CardFile> all = new ArrayList<>();

    FileTree(CardFile master) {
        this.master = master;
        number(master);
    }

    private void number(CardFile file) {
        file.number = all.size();
        all.add(file);
        file.children.forEach(this::number);
    }

    /** A fresh card's memory of these files. */
    public FileMemory memory() {
        FileMemory made = new FileMemory(all.size());
        all.forEach(file -> made.set(file.number, file.initial().clone()));
        return made;
    }

    /** Takes the bodies from there. */
    public void live(FileMemory memory) {
        all.forEach(file -> file.live(memory));
    }

    /** True for the files of a UICC, false for EF.ICCID alone. */
    boolean isWhole() {
        return all.size() > 2;
    }

    CardFile master() {
        return master;
    }

    CardFile at(int number) {
        return number >= 0 && number < all.size() ? all.get(number) : master;
    }

    /** The directory of an application by its name or the beginning of it; null when there is none. */
    CardFile application(byte[] name) {
        for (CardFile file : all) {
            if (file.name != null
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
     */
    CardFile select(CardFile current, int identifier, CardFile application) {
        CardFile directory = current.isDirectory() ? current : current.parent;
        if (identifier == CardFile.MASTER) {
            return master;
        }
        if (identifier == CardFile.APPLICATION) {
            if (application == null) {
                throw new FileFault(FileFault.Reason.FILE_NOT_FOUND);
            }
            return application;
        }
        CardFile found = child(directory, identifier, false);
        if (found == null && directory.parent != null) {
            found = directory.parent.identifier == identifier
                    ? directory.parent
                    : child(directory.parent, identifier, true);
        }
        if (found == null) {
            throw new FileFault(FileFault.Reason.FILE_NOT_FOUND);
        }
        return found;
    }

    private static CardFile child(CardFile directory, int identifier, boolean directoriesOnly) {
        return directory.children.stream()
                .filter(file ->
                        file.identifier == identifier && file.name == null && (!directoriesOnly || file.isDirectory()))
                .findFirst()
                .orElse(null);
    }

    CardFile byShortIdentifier(CardFile current, int shortIdentifier) {
        CardFile directory = current.isDirectory() ? current : current.parent;
        return directory.children.stream()
                .filter(file -> shortIdentifier != 0 && file.shortIdentifier == shortIdentifier)
                .findFirst()
                .orElseThrow(() -> new FileFault(FileFault.Reason.FILE_NOT_FOUND));
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import java.util.Arrays;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.SimulatorException;
import org.opentsm.simulator.image.DataFileSetup;

/** A file of BER-TLV structure that a card has from its image. */
record GivenDataFile(DataFileSetup file) {

    /** Puts the file where it belongs. @throws SimulatorException {@code image-invalid} where it cannot be */
    void addTo(CardFile master) {
        if (!DataObjects.isRow(file.objects()) || file.objects().length > file.maximumSize()) {
            throw fault("has objects that are none, come twice, or exceed its size");
        }
        CardFile directory = master;
        for (int at = 2; at < file.path().length - 2; at += 2) {
            directory = child(directory, number(at));
            if (directory == null || !directory.isDirectory()) {
                throw fault("stands in no directory of the card");
            }
        }
        int identifier = number(file.path().length - 2);
        if (number(0) != CardFile.MASTER || child(directory, identifier) != null) {
            throw fault("does not begin at 3F00, or is there already");
        }
        int size = file.maximumSize();
        CardFile made = CardFile.objects(identifier, file.shortIdentifier(), size, size, file.objects());
        directory.give(made.rule(PinRules.PIN));
    }

    private static CardFile child(CardFile directory, int identifier) {
        return directory.given().stream()
                .filter(child -> child.identifier == identifier)
                .findFirst()
                .orElse(null);
    }

    private SimulatorException fault(String why) {
        return SimulatorException.image("dataFiles", Hex.encode(file.path()) + " " + why);
    }

    private int number(int at) {
        byte[] two = Arrays.copyOfRange(file.path(), at, at + 2);
        return (two[0] & 0xFF) << 8 | two[1] & 0xFF;
    }
}

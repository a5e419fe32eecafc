// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import static org.opentsm.simulator.uicc.CardFile.records;
import static org.opentsm.simulator.uicc.CardFile.transparent;

import org.opentsm.simulator.Hex;
import org.opentsm.simulator.uicc.CardFile.Structure;

/**
 * The directory that the conformance tests of the UICC API expect on a card (ETSI TS 102 268), under the master file
 * and in an application of its own: files of each structure, and some with an act that is never allowed.
 */
final class ApiTestFiles {

    private static final int DF_TEST = 0x7F4A;
    private static final byte[] APPLICATION = Hex.decode("A0000000090005FFFFFFFF89E0000002");
    private static final int CYCLIC = 3;
    private static final int LINEAR = 4;

    private ApiTestFiles() {}

    static CardFile application() {
        return CardFile.directory(CardFile.APPLICATION, APPLICATION, directory());
    }

    static CardFile directory() {
        return CardFile.directory(
                DF_TEST,
                null,
                small(0x6F01).never(FilePlace.READ),
                small(0x6F02).never(FilePlace.UPDATE),
                transparent(0x6F03, 0, Hex.decode("FF".repeat(260))),
                cyclic(0x6F04).never(FilePlace.READ),
                cyclic(0x6F05).never(FilePlace.UPDATE),
                cyclic(0x6F1C).never(FilePlace.INCREASE),
                cyclic(0x6F07).never(FilePlace.DEACTIVATE),
                cyclic(0x6F08).never(FilePlace.ACTIVATE),
                records(0x6F09, Structure.CYCLIC, 0, CYCLIC, 2, "555555", "AAAAAA"),
                linear(0x6F0A).never(FilePlace.READ),
                linear(0x6F0B).never(FilePlace.UPDATE),
                records(0x6F0C, Structure.LINEAR, 0, LINEAR, 2, "55555555", "AAAAAAAA"),
                cyclic(0x6F0D).never(FilePlace.INCREASE),
                small(0x6F0E),
                small(0x6F0F),
                cyclic(0x6F10),
                cyclic(0x6F11),
                cyclic(0x6F12),
                cyclic(0x6F13),
                small(0x6F14),
                linear(0x6F15),
                small(0x6F16),
                linear(0x6F17),
                linear(0x6F18),
                CardFile.directory(0x5F10, null, small(0x4F10)));
    }

    private static CardFile small(int identifier) {
        return transparent(identifier, 0, Hex.decode("FFFFFF"));
    }

    private static CardFile cyclic(int identifier) {
        return records(identifier, Structure.CYCLIC, 0, CYCLIC, 2);
    }

    private static CardFile linear(int identifier) {
        return records(identifier, Structure.LINEAR, 0, LINEAR, 2);
    }
}

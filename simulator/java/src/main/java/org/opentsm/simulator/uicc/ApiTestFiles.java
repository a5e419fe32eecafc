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
    private static final byte[] OTHER = Hex.decode("A0000000090005FFFFFFFF89D0000002");
    private static final int DF_OTHER = 0x7F4B;
    private static final int CYCLIC = 3;
    private static final int LINEAR = 4;
    private static final int ROW = 15;

    private ApiTestFiles() {}

    static CardFile application() {
        return CardFile.directory(CardFile.APPLICATION, APPLICATION, directory());
    }

    static CardFile otherApplication() {
        return CardFile.directory(CardFile.APPLICATION, OTHER, CardFile.directory(DF_OTHER, null, small(0x6F03, 0)));
    }

    static CardFile directory() {
        return CardFile.directory(
                DF_TEST,
                null,
                small(0x6F01, 0x01).never(FilePlace.READ),
                transparent(0x6F02, 0x02, Hex.decode("555555")).never(FilePlace.UPDATE),
                transparent(0x6F03, 0x03, Hex.decode("FF".repeat(260))),
                records(0x6F04, Structure.CYCLIC, 0x04, CYCLIC, 2).never(FilePlace.READ),
                records(0x6F05, Structure.CYCLIC, 0x05, CYCLIC, 2).never(FilePlace.UPDATE),
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
                linear(0x6F15).never(FilePlace.DEACTIVATE | FilePlace.ACTIVATE),
                small(0x6F16),
                linear(0x6F17),
                linear(0x6F18),
                searched(0x6F1A, Structure.LINEAR),
                searched(0x6F1B, Structure.CYCLIC),
                CardFile.directory(0x5F10, null, small(0x4F10)));
    }

    /** Rows of numbers that begin elsewhere each, then others, to be searched. */
    private static CardFile searched(int identifier, Structure structure) {
        return records(
                identifier,
                structure,
                0,
                ROW,
                6,
                row(1),
                row(10),
                row(4),
                row(7),
                "0A0102030B0102030C0102030D0102",
                "030201".repeat(5));
    }

    /** 1 to 15, from a number on and round. */
    private static String row(int from) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < ROW; i++) {
            text.append(String.format("%02X", (from - 1 + i) % ROW + 1));
        }
        return text.toString();
    }

    private static CardFile small(int identifier) {
        return small(identifier, 0);
    }

    private static CardFile small(int identifier, int shortIdentifier) {
        return transparent(identifier, shortIdentifier, Hex.decode("FFFFFF"));
    }

    private static CardFile cyclic(int identifier) {
        return records(identifier, Structure.CYCLIC, 0, CYCLIC, 2);
    }

    private static CardFile linear(int identifier) {
        return records(identifier, Structure.LINEAR, 0, LINEAR, 2);
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import static org.opentsm.simulator.uicc.CardFile.records;
import static org.opentsm.simulator.uicc.CardFile.transparent;

import java.util.ArrayList;
import java.util.List;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.uicc.CardFile.Structure;

/**
 * The directory that the conformance tests of the UICC API expect on a card (ETSI TS 102 268), under the master file
 * and in an application of its own: files of each structure, one of each under every rule of {@link TestRules}, files
 * that one may have selected at a time, and files whose life has ended.
 */
final class ApiTestFiles {

    private static final int DF_TEST = 0x7F4A;
    private static final byte[] APPLICATION = Hex.decode("A0000000090005FFFFFFFF89E0000002");
    private static final byte[] OTHER = Hex.decode("A0000000090005FFFFFFFF89D0000002");
    private static final int DF_OTHER = 0x7F4B;
    private static final int DF_TELECOM = 0x7F10;
    private static final int EF_UICC = 0x2FE4;
    private static final int CYCLIC = 3;
    private static final int LINEAR = 4;
    private static final int ROW = 15;
    /** Records 1 to 5 have a directory and three files each. */
    private static final int CONDITIONS = 5;

    /** EF.ARR whose records the files name. */
    private final int rules;

    private ApiTestFiles(int rules) {
        this.rules = rules;
    }

    static CardFile application() {
        ApiTestFiles files = new ApiTestFiles(AccessRules.APPLICATION_FILE);
        return CardFile.directory(
                        CardFile.APPLICATION,
                        APPLICATION,
                        files.under(AccessRules.ALWAYS, TestRules.file(AccessRules.APPLICATION_FILE, 0)),
                        files.under(AccessRules.ALWAYS, identifier()),
                        files.under(AccessRules.ALWAYS, CardFile.directory(DF_TELECOM, null)),
                        files.tests())
                .under(AccessRules.reference(AccessRules.APPLICATION_FILE, AccessRules.ALWAYS));
    }

    static CardFile otherApplication() {
        ApiTestFiles files = new ApiTestFiles(AccessRules.APPLICATION_FILE);
        return CardFile.directory(
                        CardFile.APPLICATION,
                        OTHER,
                        TestRules.file(AccessRules.APPLICATION_FILE, 0),
                        CardFile.directory(DF_OTHER, null, files.small(0x6F03, 0)))
                .allUnder(AccessRules.reference(AccessRules.APPLICATION_FILE, AccessRules.ALWAYS));
    }

    static CardFile directory() {
        return new ApiTestFiles(AccessRules.CARD_FILE).tests();
    }

    static CardFile identifier() {
        return transparent(EF_UICC, 0, Hex.decode("FF".repeat(16)));
    }

    private CardFile under(int record, CardFile file) {
        return file.under(AccessRules.reference(rules, record));
    }

    private CardFile tests() {
        List<CardFile> all = new ArrayList<>(List.of(
                under(TestRules.NO_READ, small(0x6F01, 0x01)),
                under(TestRules.NO_UPDATE, transparent(0x6F02, 0x02, Hex.decode("555555"))),
                free(transparent(0x6F03, 0x03, Hex.decode("FF".repeat(260)))),
                under(TestRules.NO_READ, cyclic(0x6F04, 0x04)),
                under(TestRules.NO_UPDATE, cyclic(0x6F05, 0x05)),
                under(TestRules.NO_INCREASE, cyclic(0x6F1C, 0)),
                under(TestRules.NO_DEACTIVATE, cyclic(0x6F07, 0)),
                under(TestRules.NO_ACTIVATE, cyclic(0x6F08, 0)),
                free(records(0x6F09, Structure.CYCLIC, 0, CYCLIC, 2, "555555", "AAAAAA")),
                under(TestRules.NO_READ, linear(0x6F0A)),
                under(TestRules.NO_UPDATE, linear(0x6F0B)),
                free(records(0x6F0C, Structure.LINEAR, 0, LINEAR, 2, "55555555", "AAAAAAAA")),
                under(TestRules.NO_INCREASE, cyclic(0x6F0D, 0)),
                free(small(0x6F0E, 0)),
                free(transparent(0x6F0F, 0, new byte[3])),
                free(cyclic(0x6F10, 0)),
                free(cyclic(0x6F11, 0)),
                free(cyclic(0x6F12, 0)),
                free(cyclic(0x6F13, 0)),
                free(small(0x6F14, 0)),
                under(TestRules.NO_CHANGE_OF_STATE, linear(0x6F15)),
                free(small(0x6F16, 0)),
                free(linear(0x6F17)),
                free(records(0x6F18, Structure.LINEAR, 0, 10, 2, "11".repeat(10), "22".repeat(10))),
                free(small(0x6F19, 0)).notShareable(),
                free(searched(0x6F1A, Structure.LINEAR)),
                free(searched(0x6F1B, Structure.CYCLIC)),
                free(linear(0x6FC6)).notShareable(),
                free(small(0x6F30, 0)).begins(FileMemory.TERMINATED),
                free(linear(0x6FC7)).begins(FileMemory.TERMINATED),
                free(cyclic(0x6FC8, 0)).begins(FileMemory.TERMINATED),
                free(CardFile.directory(0x5F30, null)).begins(FileMemory.TERMINATED),
                free(CardFile.directory(0x5F10, null, free(small(0x4F10, 0))))));
        for (int record = 1; record <= CONDITIONS; record++) {
            all.add(under(record, linear(0x6FA0 + record)));
            all.add(under(record, small(0x6FB0 + record, 0)));
            all.add(under(record, cyclic(0x6FC0 + record, 0)));
            all.add(under(record, CardFile.directory(0x5F10 + record, null, under(record, small(0x4F10 + record, 0)))));
        }
        return free(CardFile.directory(DF_TEST, null, all.toArray(CardFile[]::new)));
    }

    private CardFile free(CardFile file) {
        return under(AccessRules.ALWAYS, file);
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

    private CardFile small(int identifier, int shortIdentifier) {
        return transparent(identifier, shortIdentifier, Hex.decode("FFFFFF"));
    }

    private static CardFile cyclic(int identifier, int shortIdentifier) {
        return records(identifier, Structure.CYCLIC, shortIdentifier, CYCLIC, 2);
    }

    private static CardFile linear(int identifier) {
        return records(identifier, Structure.LINEAR, 0, LINEAR, 2);
    }
}

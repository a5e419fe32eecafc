// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import java.util.ArrayList;
import java.util.List;
import org.opentsm.simulator.uicc.CardFile.Structure;

/**
 * EF.ARR of a card that is tested: what everybody may do with, what nobody may, what codes open, and what everybody may
 * do with but for some acts. ETSI TS 102 221 9.2.7.
 */
final class TestRules {

    static final int NEVER = 2;
    static final int PIN_AND_CODE = 3;
    static final int PIN_OR_CODE = 4;
    static final int LOCAL_PIN_OR_OTHER_CODE = 5;
    static final int NO_READ = 6;
    static final int NO_UPDATE = 7;
    static final int NO_INCREASE = 8;
    static final int NO_DEACTIVATE = 9;
    static final int NO_ACTIVATE = 10;
    static final int NO_CHANGE_OF_STATE = 11;

    private static final int RECORD = 70;
    private static final int RECORDS = 16;
    private static final String PIN = key("01");
    private static final String LOCAL_PIN = key("81");
    private static final String CODE = key("0A");
    private static final String OTHER_CODE = key("0B");

    private TestRules() {}

    private static String key(String reference) {
        return "A4068301" + reference + "950108";
    }

    private static String all(String condition) {
        return "80017F" + condition + "840132" + condition + "8401D4" + condition;
    }

    private static String but(int modes) {
        return String.format("8001%02X9000", 0x7F & ~modes) + "8401329000" + "8401D49000";
    }

    /** @param identifier of the file, in the card's master file or in an application */
    static CardFile file(int identifier, int shortIdentifier) {
        return file(identifier, shortIdentifier, List.of());
    }

    /** @param more records behind those */
    static CardFile file(int identifier, int shortIdentifier, List<String> more) {
        List<String> records = new ArrayList<>();
        records.add(all("9000"));
        records.add(all("9700"));
        records.add(all("AF10" + PIN + CODE));
        records.add(all("A010" + PIN + CODE));
        records.add(all("A010" + LOCAL_PIN + OTHER_CODE));
        records.add(but(FilePlace.READ));
        records.add(but(FilePlace.UPDATE));
        records.add("80017F9000" + "8401D49000");
        records.add(but(FilePlace.DEACTIVATE));
        records.add(but(FilePlace.ACTIVATE));
        records.add(but(FilePlace.DEACTIVATE | FilePlace.ACTIVATE));
        records.addAll(more);
        int count = Math.max(RECORDS, records.size());
        return CardFile.records(
                identifier, Structure.LINEAR, shortIdentifier, RECORD, count, records.toArray(String[]::new));
    }
}

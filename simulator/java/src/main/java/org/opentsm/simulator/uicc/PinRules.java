// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import java.util.List;

/** The rules of the standard files on a card with PINs, behind {@link TestRules} in EF.ARR; ETSI TS 102 221 9.2.6. */
final class PinRules {

    /** Read by all, and else the issuer's. */
    static final int ISSUERS = 12;

    static final int READ_BY_ALL = 13;
    static final int PIN = 14;
    /** Read with PIN1, and else the issuer's. */
    static final int READ_WITH_PIN = 15;

    static final int WRITTEN_WITH_PIN2 = 16;
    /** A directory: what is in it comes and goes with the issuer's code. */
    static final int DIRECTORY = 17;

    private static final String ALWAYS = "9000";
    private static final String PIN1 = "A406830101950108";
    private static final String PIN2 = "A406830181950108";
    private static final String CODE = "A40683010A950108";

    private PinRules() {}

    /** Records of the rules above, in their order. */
    static List<String> records() {
        return List.of(
                rule(ALWAYS, CODE),
                rule(ALWAYS, PIN1),
                rule(PIN1, PIN1),
                rule(PIN1, CODE),
                rule(PIN1, PIN2),
                "80017F" + CODE + "8401D4" + CODE);
    }

    /** Who may read; who may update and increase; all else is the issuer's. */
    private static String rule(String read, String update) {
        return "800101" + read + "800102" + update + "840132" + update + "80017C" + CODE + "8401D4" + CODE;
    }
}

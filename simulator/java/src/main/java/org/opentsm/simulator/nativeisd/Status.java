// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

/** Status words of GPCS 2.3.1 11.1.3 and of the clause of each command. */
final class Status {

    static final int OK = 0x9000;
    static final int WRONG_CRYPTOGRAM = 0x6300;
    static final int LOCKED = 0x6283;
    static final int MORE_DATA = 0x6310;
    static final int WRONG_LENGTH = 0x6700;
    static final int CHANNEL = 0x6881;
    static final int SECURITY = 0x6982;
    static final int BLOCKED = 0x6983;
    static final int CONDITIONS = 0x6985;
    static final int WRONG_DATA = 0x6A80;
    static final int FUNCTION = 0x6A81;
    static final int NOT_FOUND = 0x6A82;
    static final int NO_SPACE = 0x6A84;
    static final int WRONG_P1P2 = 0x6A86;
    static final int NO_REFERENCE = 0x6A88;
    static final int INSTRUCTION = 0x6D00;
    static final int CLASS = 0x6E00;
    static final int NO_DIAGNOSIS = 0x6F00;

    private Status() {}
}

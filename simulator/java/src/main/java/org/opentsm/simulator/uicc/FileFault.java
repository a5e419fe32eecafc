// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

/** Why the file system refuses: as a status word to the terminal, and as a reason to applets. */
public final class FileFault extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /**
     * Reasons of uicc.access.UICCException and sim.access.SIMViewException, status words of TS 102 221 10.2.1; of
     * managing files those of uicc.access.fileadministration.AdminException, TS 102 222 7.
     */
    public enum Reason {
        NO_FILE_SELECTED(1, 1, 0x6986),
        FILE_NOT_FOUND(4, 4, 0x6A82),
        INCOMPATIBLE(2, 2, 0x6981),
        SECURITY(3, 3, 0x6982),
        DEACTIVATED(6, 6, 0x6985),
        OUT_OF_FILE(7, 7, 0x6B00),
        OUT_OF_RECORD(8, 8, 0x6700),
        RECORD_NOT_FOUND(9, 9, 0x6A83),
        INVALID_MODE(10, 10, 0x6A86),
        PATTERN_NOT_FOUND(9, 11, 0x6A83),
        MAX_VALUE(12, 12, 0x9850),
        TERMINATED(11, 5, 0x6985),
        NOT_SHAREABLE(4, 4, 0x6985),
        NO_TRANSFER(14, 5, 0x6985),
        DATA_NOT_FOUND(15, 5, 0x6A88),
        OUT_OF_DATA(16, 5, 0x6A80),
        NO_ROOM(17, 5, 0x6A84),
        INVALID_TAG(18, 5, 0x6A80),
        INCORRECT_PARAMETERS(1, 0x6A80),
        ALREADY_THERE(2, 0x6A89),
        NOT_ENOUGH_MEMORY(4, 0x6A84),
        NAME_ALREADY_THERE(5, 0x6A8A);

        /** Of AdminException; 0 for what has a reason of UICCException. */
        public final short admin;

        public final short uicc;
        public final short sim;
        public final int status;

        Reason(int admin, int status) {
            this.admin = (short) admin;
            this.uicc = 0;
            this.sim = 0;
            this.status = status;
        }

        Reason(int uicc, int sim, int status) {
            this.admin = 0;
            this.uicc = (short) uicc;
            this.sim = (short) sim;
            this.status = status;
        }

        /** To a terminal that speaks to a SIM, TS 51.011 9.4. */
        int simStatus() {
            return switch (this) {
                case NO_FILE_SELECTED -> 0x9400;
                case OUT_OF_FILE, RECORD_NOT_FOUND -> 0x9402;
                case FILE_NOT_FOUND, PATTERN_NOT_FOUND -> 0x9404;
                case INCOMPATIBLE -> 0x9408;
                case SECURITY -> 0x9804;
                case DEACTIVATED -> 0x9810;
                case INVALID_MODE -> 0x6B00;
                default -> status;
            };
        }
    }

    public final transient Reason reason;

    public FileFault(Reason reason) {
        super(reason.name(), null, false, false);
        this.reason = reason;
    }
}

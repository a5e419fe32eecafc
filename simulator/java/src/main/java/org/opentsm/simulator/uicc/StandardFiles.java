// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import static org.opentsm.simulator.uicc.CardFile.directory;
import static org.opentsm.simulator.uicc.CardFile.records;
import static org.opentsm.simulator.uicc.CardFile.transparent;

import java.util.List;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.image.DataFileSetup;
import org.opentsm.simulator.image.PinSetup;
import org.opentsm.simulator.uicc.CardFile.Structure;

/**
 * The files of a UICC with one USIM application, as ETSI TS 102 221 13 and 3GPP TS 31.102 4 name them: those that
 * applets and terminals look at first. The numbers are of a test network (001 01).
 */
final class StandardFiles {

    private static final byte[] USIM = Hex.decode("A0000000871002FFFFFFFF8903020000");
    private static final String IMSI = "080910101032547698";
    /** UICC TEST, as the conformance tests of the UICC API expect (ETSI TS 102 268). */
    private static final String MENU_TITLE = "554943432054455354";

    private static final int LINE = 28;
    private static final int MESSAGE = 176;

    private StandardFiles() {}

    /** MF and EF.ICCID alone: a card that needs no more to be known by. */
    static FileTree identity(byte[] iccid) {
        return new FileTree(directory(CardFile.MASTER, null, iccid(iccid)), List.of());
    }

    private static CardFile iccid(byte[] iccid) {
        return transparent(0x2FE2, 0x02, iccid).rule(PinRules.ISSUERS);
    }

    /** @param pins empty for a card whose files are free */
    static FileTree whole(byte[] iccid, List<PinSetup> pins) {
        return whole(iccid, pins, List.of());
    }

    /** @param more files of BER-TLV structure */
    static FileTree whole(byte[] iccid, List<PinSetup> pins, List<DataFileSetup> more) {
        String application = String.format("61%02X4F%02X", USIM.length + 2, USIM.length) + Hex.encode(USIM);
        CardFile rules = pins.isEmpty()
                ? TestRules.file(AccessRules.CARD_FILE, 0x06)
                : TestRules.file(AccessRules.CARD_FILE, 0x06, PinRules.records());
        CardFile master = directory(
                CardFile.MASTER,
                null,
                iccid(iccid),
                records(0x2F00, Structure.LINEAR, 0x1E, 32, 4, application).rule(PinRules.ISSUERS),
                transparent(0x2F05, 0x05, Hex.decode("656E")).rule(PinRules.READ_BY_ALL),
                rules.rule(PinRules.ISSUERS),
                ApiTestFiles.identifier(),
                telecom(),
                gsm(),
                usim(),
                ApiTestFiles.directory(),
                ApiTestFiles.application(),
                ApiTestFiles.otherApplication());
        master.rule(PinRules.DIRECTORY);
        more.forEach(file -> new GivenDataFile(file).addTo(master));
        if (!pins.isEmpty()) {
            master.underPins();
        }
        return new FileTree(master, pins);
    }

    private static CardFile telecom() {
        return directory(
                        0x7F10,
                        null,
                        records(0x6F3A, Structure.LINEAR, 0, LINE, 10).rule(PinRules.PIN),
                        records(0x6F3B, Structure.LINEAR, 0, LINE, 5).rule(PinRules.WRITTEN_WITH_PIN2),
                        records(0x6F3C, Structure.LINEAR, 0, MESSAGE, 5, "00", "00", "00", "00", "00")
                                .rule(PinRules.PIN),
                        records(0x6F40, Structure.LINEAR, 0, LINE, 2).rule(PinRules.PIN),
                        records(0x6F42, Structure.LINEAR, 0, 40, 2).rule(PinRules.PIN),
                        transparent(0x6F43, 0, Hex.decode("FFFF")).rule(PinRules.PIN),
                        records(0x6F44, Structure.CYCLIC, 0, LINE, 5).rule(PinRules.PIN),
                        records(0x6F49, Structure.LINEAR, 0, LINE, 5).rule(PinRules.READ_WITH_PIN),
                        transparent(0x6F54, 0, Hex.decode("8509" + MENU_TITLE + "FF".repeat(9)))
                                .rule(PinRules.READ_WITH_PIN),
                        directory(
                                        0x5F50,
                                        null,
                                        records(0x4F20, Structure.LINEAR, 0, 20, 2)
                                                .rule(PinRules.PIN))
                                .rule(PinRules.DIRECTORY))
                .rule(PinRules.DIRECTORY);
    }

    private static CardFile gsm() {
        return directory(
                        0x7F20,
                        null,
                        transparent(0x6F07, 0, Hex.decode(IMSI)).rule(PinRules.READ_WITH_PIN),
                        transparent(0x6F05, 0, Hex.decode("01FF")).rule(PinRules.READ_BY_ALL),
                        transparent(0x6F20, 0, Hex.decode("FFFFFFFFFFFFFFFF07")).rule(PinRules.PIN),
                        transparent(0x6F30, 0, Hex.decode("FFFFFFFFFFFF")).rule(PinRules.PIN),
                        transparent(0x6F31, 0, Hex.decode("05")).rule(PinRules.READ_WITH_PIN),
                        transparent(0x6F37, 0, Hex.decode("000000")).rule(PinRules.WRITTEN_WITH_PIN2),
                        transparent(0x6F38, 0, Hex.decode("FF3FFFFF0F0FFF")).rule(PinRules.READ_WITH_PIN),
                        records(0x6F39, Structure.CYCLIC, 0, 3, 3).rule(PinRules.PIN),
                        transparent(0x6F45, 0, Hex.decode("FFFF")).rule(PinRules.PIN),
                        transparent(0x6F46, 0, Hex.decode("01" + "FF".repeat(16)))
                                .rule(PinRules.ISSUERS),
                        transparent(0x6F74, 0, Hex.decode("00".repeat(16))).rule(PinRules.PIN),
                        transparent(0x6F78, 0, Hex.decode("0002")).rule(PinRules.READ_WITH_PIN),
                        transparent(0x6F7B, 0, Hex.decode("FF".repeat(12))).rule(PinRules.PIN),
                        transparent(0x6F7E, 0, Hex.decode("FFFFFFFF00F110FFFE0001"))
                                .rule(PinRules.PIN),
                        transparent(0x6FAD, 0, Hex.decode("800000")).rule(PinRules.ISSUERS),
                        transparent(0x6FAE, 0, Hex.decode("03")).rule(PinRules.ISSUERS))
                .rule(PinRules.DIRECTORY);
    }

    private static CardFile usim() {
        return directory(
                        CardFile.APPLICATION,
                        USIM,
                        transparent(0x6F07, 0x07, Hex.decode(IMSI)).rule(PinRules.READ_WITH_PIN),
                        transparent(0x6F05, 0x02, Hex.decode("656E")).rule(PinRules.READ_BY_ALL),
                        transparent(0x6F08, 0x08, Hex.decode("07" + "FF".repeat(32)))
                                .rule(PinRules.PIN),
                        transparent(0x6F31, 0x12, Hex.decode("05")).rule(PinRules.READ_WITH_PIN),
                        transparent(0x6F38, 0x04, Hex.decode("9EFFBF9F")).rule(PinRules.READ_WITH_PIN),
                        records(0x6F39, Structure.CYCLIC, 0, 3, 3).rule(PinRules.PIN),
                        records(0x6F3B, Structure.LINEAR, 0, LINE, 5).rule(PinRules.WRITTEN_WITH_PIN2),
                        records(0x6F3C, Structure.LINEAR, 0, MESSAGE, 5, "00", "00", "00", "00", "00")
                                .rule(PinRules.PIN),
                        records(0x6F40, Structure.LINEAR, 0, LINE, 2).rule(PinRules.PIN),
                        records(0x6F42, Structure.LINEAR, 0, 40, 2).rule(PinRules.PIN),
                        transparent(0x6F43, 0, Hex.decode("FFFF")).rule(PinRules.PIN),
                        transparent(0x6F46, 0, Hex.decode("01" + "FF".repeat(16)))
                                .rule(PinRules.ISSUERS),
                        transparent(0x6F56, 0x05, Hex.decode("00")).rule(PinRules.WRITTEN_WITH_PIN2),
                        transparent(0x6F5B, 0x0F, Hex.decode("F00000F00000")).rule(PinRules.PIN),
                        transparent(0x6F73, 0x0C, Hex.decode("FFFFFFFFFFFFFF00F110000001FF"))
                                .rule(PinRules.PIN),
                        transparent(0x6F78, 0x06, Hex.decode("0002")).rule(PinRules.READ_WITH_PIN),
                        transparent(0x6F7B, 0x0D, Hex.decode("FF".repeat(12))).rule(PinRules.PIN),
                        transparent(0x6F7E, 0x0B, Hex.decode("FFFFFFFF00F1100000FF01"))
                                .rule(PinRules.PIN),
                        transparent(0x6FAD, 0x03, Hex.decode("80000002")).rule(PinRules.ISSUERS),
                        records(0x6FB7, Structure.LINEAR, 0x01, 4, 2, "11F2FF00")
                                .rule(PinRules.ISSUERS),
                        transparent(0x6FC4, 0, Hex.decode("FF".repeat(16))).rule(PinRules.PIN),
                        transparent(0x6FD9, 0x1D, Hex.decode("00F110")).rule(PinRules.READ_WITH_PIN))
                .rule(PinRules.DIRECTORY);
    }
}

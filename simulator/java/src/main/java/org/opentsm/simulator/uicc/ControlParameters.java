// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import java.util.List;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.uicc.CardFile.Structure;

/** What SELECT and STATUS tell of a file: ETSI TS 102 221 11.1.1.3, and for a SIM's terminal TS 51.011 9.2.1. */
final class ControlParameters {

    private static final int SHAREABLE = 0x40;
    private static final String PIN_STATUS = "C609900140830101830181";

    private ControlParameters() {}

    /**
     * {@code 62 L {82 descriptor, 83 identifier, [84 name], [A5 sizes], 8A life cycle, [8B security], [C6 PIN status],
     * [80 size], [88 short identifier]}}.
     *
     * @param pins    of the card
     * @param secured whether the card has access rules: one that shows its ICCID alone has none
     */
    static byte[] of(CardFile file, boolean secured, Pins pins) {
        String id = "8302" + String.format("%04X", file.identifier);
        String lifeCycle = String.format("8A01%02X", file.life());
        String rules = secured ? Hex.encode(file.security()) : "";
        String status = pins.isEmpty() ? PIN_STATUS : pins.status();
        String text;
        if (file.isDirectory()) {
            String name = file.name == null ? "" : String.format("84%02X", file.name.length) + Hex.encode(file.name);
            text = "8202" + descriptor(file) + id + name + lifeCycle + rules + (secured ? status : "");
        } else if (file.structure == Structure.BER_TLV) {
            String special = "840101" + number(0x85, file.reservedSize()) + number(0x86, file.maximumSize());
            special = number(0x83, file.maximumSize() - file.size()) + special;
            String information = String.format("A5%02X", special.length() / 2) + special;
            text = "8202" + descriptor(file) + id + information + lifeCycle + rules + size(file);
        } else if (file.structure == Structure.TRANSPARENT) {
            text = "8202" + descriptor(file) + id + lifeCycle + rules + size(file);
        } else {
            String records = String.format("%04X%02X", file.recordLength, file.recordCount());
            text = "8205" + descriptor(file) + records + id + lifeCycle + rules + size(file);
        }
        return Hex.decode(String.format("62%02X", text.length() / 2) + text);
    }

    /** File descriptor byte and data coding byte. */
    private static String descriptor(CardFile file) {
        int form =
                switch (file.structure) {
                    case DIRECTORY -> 0x38;
                    case TRANSPARENT -> 0x01;
                    case LINEAR -> 0x02;
                    case CYCLIC -> 0x06;
                    case BER_TLV -> 0x39;
                };
        return String.format("%02X21", form | (file.isShareable() ? SHAREABLE : 0));
    }

    private static String size(CardFile file) {
        String sfi = file.shortIdentifier == 0 ? "" : String.format("8801%02X", file.shortIdentifier << 3);
        return number(0x80, file.size()) + sfi;
    }

    /** A size in at least two bytes. */
    private static String number(int tag, int size) {
        return size <= 0xFFFF ? String.format("%02X02%04X", tag, size) : String.format("%02X03%06X", tag, size);
    }

    /** @param children what is in the file, if it is a directory */
    static byte[] gsmHeader(CardFile file, List<CardFile> children) {
        String id = String.format("%04X", file.identifier);
        if (file.isDirectory()) {
            int directories =
                    (int) children.stream().filter(CardFile::isDirectory).count();
            String kind = file.identifier == CardFile.MASTER ? "01" : "02";
            String counts = String.format("%02X%02X", directories, children.size() - directories);
            return Hex.decode("00000000" + id + kind + "00000000000913" + counts + "00" + "008300000000");
        }
        int form =
                switch (file.structure) {
                    case LINEAR -> 1;
                    case CYCLIC -> 3;
                    default -> 0;
                };
        String record = String.format("%02X", file.recordLength);
        String increase = form == 3 ? "40" : "00";
        String status = file.isActive() ? "01" : "00";
        return Hex.decode("0000" + String.format("%04X", file.size()) + id + "04" + increase + "0FFFFF" + status + "02"
                + String.format("%02X", form) + record);
    }
}

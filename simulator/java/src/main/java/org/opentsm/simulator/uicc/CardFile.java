// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.crypto.CryptoHost;

/** A file of a UICC (ETSI TS 102 221 8): a directory with what is in it, or an elementary file with its body. */
public final class CardFile {

    /** What a file is made of. */
    public enum Structure {
        DIRECTORY,
        TRANSPARENT,
        LINEAR,
        CYCLIC
    }

    static final int MASTER = 0x3F00;
    static final int APPLICATION = 0x7FFF;
    private static final int ACTIVE = 0x05;
    private static final int INACTIVE = 0x04;

    final int identifier;
    final Structure structure;
    /** Length of a record; of a transparent file its size. */
    final int recordLength;

    final int shortIdentifier;
    /** Name of an application's directory, or null. */
    final byte[] name;

    final List<CardFile> children = new ArrayList<>();
    CardFile parent;
    private int never;
    /** Number in the tree, by which the card's memory knows it. */
    int number;

    private final byte[] initial;
    private FileMemory memory;

    private CardFile(
            int identifier, Structure structure, int recordLength, int shortIdentifier, byte[] name, byte[] initial) {
        this.identifier = identifier;
        this.structure = structure;
        this.recordLength = recordLength;
        this.shortIdentifier = shortIdentifier;
        this.name = name;
        this.initial = initial;
    }

    static CardFile directory(int identifier, byte[] name, CardFile... children) {
        CardFile made = new CardFile(identifier, Structure.DIRECTORY, 0, 0, name, new byte[0]);
        for (CardFile child : children) {
            child.parent = made;
            made.children.add(child);
        }
        return made;
    }

    static CardFile transparent(int identifier, int shortIdentifier, byte[] content) {
        return new CardFile(identifier, Structure.TRANSPARENT, content.length, shortIdentifier, null, content);
    }

    /** Records of FF but for the first ones. */
    static CardFile records(
            int identifier, Structure structure, int shortIdentifier, int recordLength, int count, String... first) {
        byte[] body = new byte[recordLength * count];
        Arrays.fill(body, structure == Structure.CYCLIC ? 0 : (byte) 0xFF);
        for (int i = 0; i < first.length; i++) {
            byte[] record = Hex.decode(first[i]);
            System.arraycopy(record, 0, body, i * recordLength, record.length);
        }
        return new CardFile(identifier, structure, recordLength, shortIdentifier, null, body);
    }

    /** What nobody may do with the file: bits of {@link FilePlace}. */
    CardFile never(int acts) {
        never = acts;
        return this;
    }

    boolean allows(int act) {
        return (never & act) == 0;
    }

    void live(FileMemory in) {
        memory = in;
    }

    byte[] initial() {
        return initial;
    }

    boolean isDirectory() {
        return structure == Structure.DIRECTORY;
    }

    /** The body as it is now; changed through {@link #write}. */
    byte[] body() {
        return memory.body(number);
    }

    int size() {
        return initial.length;
    }

    int recordCount() {
        return recordLength == 0 ? 0 : initial.length / recordLength;
    }

    void write(int offset, byte[] bytes) {
        byte[] body = body();
        CryptoHost.current().writing(body);
        System.arraycopy(bytes, 0, body, offset, bytes.length);
    }

    boolean isActive() {
        return memory.isActive(number);
    }

    void activate(boolean active) {
        memory.activate(number, active);
    }

    /**
     * {@code 62 L {82 descriptor, 83 identifier, [84 name], [C6 PIN status], 8A life cycle, [8B security], [80 size],
     * [88 short identifier]}}, TS 102 221 11.1.1.3.
     *
     * @param secured whether the card has access rules: one that shows its ICCID alone has none
     */
    byte[] controlParameters(boolean secured) {
        String id = "8302" + String.format("%04X", identifier);
        String lifeCycle = String.format("8A01%02X", isActive() ? ACTIVE : INACTIVE);
        String rules = secured ? "8B032F0601" : "";
        String text =
                switch (structure) {
                    case DIRECTORY ->
                        "82027821" + id + (name == null ? "" : String.format("84%02X", name.length) + Hex.encode(name))
                                + lifeCycle + rules + (secured ? "C609900140830101830181" : "");
                    case TRANSPARENT -> "82024121" + id + lifeCycle + rules + size4();
                    default ->
                        String.format(
                                        "8205%02X21%04X%02X",
                                        structure == Structure.LINEAR ? 0x42 : 0x46, recordLength, recordCount())
                                + id
                                + lifeCycle
                                + rules
                                + size4();
                };
        return Hex.decode(String.format("62%02X", text.length() / 2) + text);
    }

    private String size4() {
        String sfi = shortIdentifier == 0 ? "" : String.format("8801%02X", shortIdentifier << 3);
        return String.format("8002%04X", size()) + sfi;
    }

    /** Response of SELECT in TS 51.011 9.2.1. */
    byte[] gsmHeader() {
        String id = String.format("%04X", identifier);
        if (isDirectory()) {
            int directories =
                    (int) children.stream().filter(CardFile::isDirectory).count();
            return Hex.decode("00000000" + id + (identifier == MASTER ? "01" : "02") + "0000000000" + "09" + "13"
                    + String.format("%02X%02X", directories, children.size() - directories) + "00" + "00830000"
                    + "0000");
        }
        int form = structure == Structure.TRANSPARENT ? 0 : structure == Structure.LINEAR ? 1 : 3;
        String record = structure == Structure.TRANSPARENT ? "0000" : String.format("00%02X", recordLength);
        return Hex.decode("0000" + String.format("%04X", size()) + id + "04" + (form == 3 ? "40" : "00") + "0FFFFF"
                + (isActive() ? "01" : "00") + "02" + String.format("%02X", form) + record.substring(2));
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.crypto.CryptoHost;

/**
 * A file of a UICC (ETSI TS 102 221 8): a directory or an elementary file. What it holds, and whether it is active, is
 * in the card's memory under its number.
 */
public final class CardFile {

    /** What a file is made of. */
    public enum Structure {
        DIRECTORY,
        TRANSPARENT,
        LINEAR,
        CYCLIC,
        BER_TLV
    }

    static final int MASTER = 0x3F00;
    static final int APPLICATION = 0x7FFF;

    final int identifier;
    final Structure structure;
    /** Length of a record; of a transparent file 0. */
    final int recordLength;

    final int shortIdentifier;
    /** Name of an application's directory, or null. */
    final byte[] name;
    /** False for a file that one may have selected at a time, TS 102 221 8.6. */
    private boolean shareable = true;
    /** The rules for it: data object 8B, 8C or AB of its control parameters. TS 102 221 9.2. */
    private byte[] security = AccessRules.reference(AccessRules.CARD_FILE, AccessRules.ALWAYS);

    private int rule;
    /** Bytes kept for it, and bytes it may have, of a file of BER-TLV structure. */
    private int reservedSize;

    private int maximumSize;

    /** What a fresh card has in it; nothing for files that are made later. */
    private final List<CardFile> given = new ArrayList<>();

    CardFile parent;
    /** Number in the tree, by which the card's memory knows it. */
    int number;

    private byte life = FileMemory.ACTIVE;
    private final byte[] initial;
    private FileMemory memory;

    CardFile(int identifier, Structure structure, int recordLength, int shortIdentifier, byte[] name, byte[] initial) {
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
            made.give(child);
        }
        return made;
    }

    static CardFile transparent(int identifier, int shortIdentifier, byte[] content) {
        return new CardFile(identifier, Structure.TRANSPARENT, 0, shortIdentifier, null, content);
    }

    /** Records of FF, or 00 in a cyclic file, but for the first ones. */
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

    /** A file of BER-TLV structure. @param objects that it has at first */
    static CardFile objects(int identifier, int shortIdentifier, int reserved, int maximum, byte[] objects) {
        CardFile made = new CardFile(identifier, Structure.BER_TLV, 0, shortIdentifier, null, objects);
        made.reservedSize = reserved;
        made.maximumSize = maximum;
        return made;
    }

    /** Puts a file into this directory, which no card has yet. */
    void give(CardFile child) {
        child.parent = this;
        given.add(child);
    }

    /** @param rules data object with tag and length */
    CardFile under(byte[] rules) {
        security = rules;
        return this;
    }

    /** The same for a directory with all that it is given. */
    CardFile allUnder(byte[] rules) {
        given.forEach(file -> file.allUnder(rules));
        return under(rules);
    }

    /** The rule for it on a card with PINs, {@link PinRules}. */
    CardFile rule(int number) {
        rule = number;
        return this;
    }

    /** Puts it, with all that it is given, under the rules of a card with PINs. */
    void underPins() {
        if (rule != 0) {
            under(AccessRules.reference(AccessRules.CARD_FILE, rule));
        }
        given.forEach(CardFile::underPins);
    }

    CardFile notShareable() {
        shareable = false;
        return this;
    }

    /** As it is when the card is fresh: one of {@link FileMemory}'s states. */
    CardFile begins(byte state) {
        life = state;
        return this;
    }

    void live(FileMemory in) {
        memory = in;
    }

    byte[] initial() {
        return initial;
    }

    byte initialLife() {
        return life;
    }

    List<CardFile> given() {
        return given;
    }

    byte[] security() {
        return security;
    }

    boolean isShareable() {
        return shareable;
    }

    boolean isDirectory() {
        return structure == Structure.DIRECTORY;
    }

    /** The body as it is now; changed through {@link #write} and {@link #resize}. */
    byte[] body() {
        return memory.body(number);
    }

    int size() {
        return body().length;
    }

    int recordCount() {
        return recordLength == 0 ? 0 : size() / recordLength;
    }

    void write(int offset, byte[] bytes) {
        byte[] body = body();
        CryptoHost.current().writing(body);
        System.arraycopy(bytes, 0, body, offset, bytes.length);
    }

    /** Of the sizes those of the last RESIZE FILE, which stand where a file that was made later has its parameters. */
    private NewFile parameters() {
        byte[] known = memory == null ? null : memory.made(number);
        return known == null ? null : new NewFile(Arrays.copyOfRange(known, 2, known.length));
    }

    int reservedSize() {
        NewFile known = parameters();
        return known == null ? reservedSize : known.reservedSize();
    }

    int maximumSize() {
        NewFile known = parameters();
        return known == null ? maximumSize : known.largestSize();
    }

    /**
     * What {@link #describe} makes the new sizes of a file of BER-TLV structure.
     *
     * @throws FileFault INCORRECT_PARAMETERS, NOT_ENOUGH_MEMORY
     */
    byte[] resized(NewFile wanted) {
        byte[] known = memory.made(number);
        byte[] old = known == null ? new byte[2] : known;
        byte[] objects = NewFile.resized(Arrays.copyOfRange(old, 2, old.length), wanted, this);
        byte[] row = Arrays.copyOf(old, 2 + objects.length);
        System.arraycopy(objects, 0, row, 2, objects.length);
        return row;
    }

    /** One write. */
    void describe(byte[] row) {
        memory.made(number, row);
    }

    /** Gives a file of BER-TLV structure other contents, with one write. */
    void replace(byte[] objects) {
        memory.body(number, objects);
    }

    /** Bytes behind the old end are FF; TS 102 222 6.10. */
    void resize(int size) {
        byte[] body = Arrays.copyOf(body(), size);
        if (size > size()) {
            Arrays.fill(body, size(), size, (byte) 0xFF);
        }
        memory.body(number, body);
    }

    boolean isActive() {
        return memory.life(number) == FileMemory.ACTIVE;
    }

    boolean isTerminated() {
        return memory.life(number) == FileMemory.TERMINATED;
    }

    void become(byte state) {
        memory.life(number, state);
    }

    /** Its life cycle, one of {@link FileMemory}'s states. */
    byte life() {
        return memory.life(number);
    }
}

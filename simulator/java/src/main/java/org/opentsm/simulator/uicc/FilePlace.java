// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToIntBiFunction;
import org.opentsm.simulator.uicc.CardFile.Structure;
import org.opentsm.simulator.uicc.FileFault.Reason;

/**
 * Somebody's place in the file system, and what he does there; ETSI TS 102 221 11.1. The place itself, a file's number
 * and a record's, stands in two shorts that are given: the terminal's in the simulator, an applet's in its memory.
 */
public final class FilePlace {

    /** Modes of READ and UPDATE RECORD. */
    public static final int NEXT = 2;

    public static final int PREVIOUS = 3;
    public static final int ABSOLUTE = 4;
    /** Access modes of elementary files, ISO 7816-4 table 20; behind them what an instruction of its own does. */
    static final int READ = 0x01;

    static final int UPDATE = 0x02;
    static final int DEACTIVATE = 0x08;
    static final int ACTIVATE = 0x10;
    static final int MOST_MODES = 0x7F;
    static final int INCREASE = MOST_MODES + 0x32;
    private static final int LONGEST_AMOUNT = 127;
    private static final int FILE = 0;
    private static final int RECORD = 1;

    private final FileTree tree;
    private final CardFile application;
    private final short[] place;
    private final AccessDomain rights;
    private final boolean confined;

    /** The terminal's. */
    static FilePlace ofTerminal(FileTree tree, byte[] application, short[] place) {
        return new FilePlace(tree, application, place, tree.pins().rights(), false);
    }

    /** The card's own: it may do all that is not forbidden to everybody. */
    public FilePlace(FileTree tree, byte[] application, short[] place) {
        this(tree, application, place, AccessDomain.ALL, false);
    }

    private FilePlace(FileTree tree, byte[] application, short[] place, AccessDomain rights, boolean confined) {
        this.tree = tree;
        this.application = application == null ? null : tree.application(application);
        this.place = place;
        this.rights = rights;
        this.confined = confined;
    }

    /**
     * An applet's: in the files of an application it never leaves that one's directory.
     *
     * @param place two shorts, both 0 for the master file
     */
    public static FilePlace of(FileTree tree, byte[] application, short[] place, AccessDomain rights) {
        return new FilePlace(tree, application, place, rights, true);
    }

    public boolean hasApplication() {
        return application != null;
    }

    CardFile file() {
        CardFile found = tree.at(place[FILE]);
        return found == tree.master() && application != null && confined ? application : found;
    }

    FileTree tree() {
        return tree;
    }

    /** The directory that is selected, or in which the selected file stands. */
    CardFile directory() {
        CardFile file = file();
        return file.isDirectory() ? file : file.parent;
    }

    /** Name of the application in full, or null. */
    public byte[] applicationName() {
        return application == null ? null : application.name.clone();
    }

    /** Where the selected file stands. */
    public FilePath path() {
        return FilePath.of(file());
    }

    /** @throws FileFault NOT_SHAREABLE when another one has the file */
    void go(CardFile to) {
        tree.hold(to, place);
        endTransfer();
        place[FILE] = (short) to.number;
        place[RECORD] = 0;
    }

    /** To the application's directory, or to the master file. */
    public void home() {
        go(application == null ? tree.master() : application);
    }

    public void select(int identifier) {
        go(tree.select(file(), identifier, application, confined));
    }

    public void selectByShortIdentifier(int shortIdentifier) {
        go(tree.byShortIdentifier(file(), shortIdentifier));
    }

    public byte[] controlParameters() {
        return ControlParameters.of(file(), tree.isWhole(), tree.pins());
    }

    /** True for a selected file that is not active: its state is told with SELECT. */
    boolean isTerminated() {
        return file().isTerminated();
    }

    boolean isDeactivated() {
        return !file().isActive() && !isTerminated();
    }

    public byte[] gsmHeader() {
        return ControlParameters.gsmHeader(file(), tree.children(file()));
    }

    /** Of the directory that is selected, or in which the selected file stands. */
    public byte[] directoryParameters(boolean gsm) {
        CardFile directory = directory();
        return gsm
                ? ControlParameters.gsmHeader(directory, tree.children(directory))
                : ControlParameters.of(directory, tree.isWhole(), tree.pins());
    }

    private CardFile elementary() {
        CardFile file = file();
        if (file.isDirectory()) {
            throw new FileFault(Reason.NO_FILE_SELECTED);
        }
        return file;
    }

    private static void requireAlive(CardFile file) {
        if (file.isTerminated()) {
            throw new FileFault(Reason.TERMINATED);
        }
    }

    private CardFile usable(int act, Structure... structures) {
        CardFile file = elementary();
        requireAlive(file);
        if (!Arrays.asList(structures).contains(file.structure)) {
            throw new FileFault(Reason.INCOMPATIBLE);
        }
        allow(file, act);
        if (!file.isActive()) {
            throw new FileFault(Reason.DEACTIVATED);
        }
        return file;
    }

    /** The selected file, which holds data objects. */
    CardFile dataFile(int act) {
        return usable(act, Structure.BER_TLV);
    }

    boolean hasElementaryFile() {
        return !file().isDirectory();
    }

    /** The data object that is on its way; null when none is. */
    DataTransfer transfer() {
        DataTransfer found = tree.transfers().get(place);
        return found == null || found.file != file() ? null : found;
    }

    void transfer(DataTransfer begun) {
        tree.transfers().put(place, begun);
    }

    void endTransfer() {
        tree.transfers().remove(place);
    }

    void allow(CardFile file, int act) {
        if (tree.isWhole() && !AccessRules.allow(tree, file, act, rights)) {
            throw new FileFault(Reason.SECURITY);
        }
    }

    /** @param length of what is wanted, or -1 for all from there */
    public byte[] readBinary(int offset, int length) {
        CardFile file = usable(READ, Structure.TRANSPARENT);
        int end = length < 0 ? file.size() : offset + length;
        if (offset < 0 || offset > file.size() || end > file.size()) {
            throw new FileFault(Reason.OUT_OF_FILE);
        }
        return Arrays.copyOfRange(file.body(), offset, end);
    }

    public int size() {
        return elementary().size();
    }

    public int recordLength() {
        return elementary().recordLength;
    }

    public void updateBinary(int offset, byte[] bytes) {
        CardFile file = usable(UPDATE, Structure.TRANSPARENT);
        if (offset < 0 || offset + bytes.length > file.size()) {
            throw new FileFault(Reason.OUT_OF_FILE);
        }
        file.write(offset, bytes);
    }

    /** Goes to a record; its number. */
    private int record(CardFile file, int number, int mode) {
        int current = place[RECORD];
        int count = file.recordCount();
        boolean cyclic = file.structure == Structure.CYCLIC;
        int wanted;
        switch (mode) {
            case ABSOLUTE -> wanted = number == 0 ? current : number;
            case NEXT -> wanted = current == 0 || cyclic && current == count ? 1 : current + 1;
            case PREVIOUS -> wanted = current == 0 || cyclic && current == 1 ? count : current - 1;
            default -> throw new FileFault(Reason.INVALID_MODE);
        }
        if (wanted < 1 || wanted > count) {
            throw new FileFault(Reason.RECORD_NOT_FOUND);
        }
        if (mode != ABSOLUTE) {
            place[RECORD] = (short) wanted;
        }
        return wanted;
    }

    /** @param length of the part, or -1 for the rest of the record */
    public byte[] readRecord(int number, int mode, int offset, int length) {
        CardFile file = usable(READ, Structure.LINEAR, Structure.CYCLIC);
        int record = record(file, number, mode);
        int end = length < 0 ? file.recordLength : offset + length;
        if (offset < 0 || offset > file.recordLength || end > file.recordLength) {
            throw new FileFault(Reason.OUT_OF_RECORD);
        }
        int start = (record - 1) * file.recordLength;
        return Arrays.copyOfRange(file.body(), start + offset, start + end);
    }

    /** A cyclic file takes records as the previous one only: the oldest goes. */
    public void updateRecord(int number, int mode, int offset, byte[] bytes) {
        CardFile file = usable(UPDATE, Structure.LINEAR, Structure.CYCLIC);
        if (file.recordCount() == 0) {
            throw new FileFault(Reason.RECORD_NOT_FOUND);
        }
        if (offset < 0 || offset + bytes.length > file.recordLength) {
            throw new FileFault(Reason.OUT_OF_RECORD);
        }
        if (file.structure == Structure.CYCLIC) {
            if (mode != PREVIOUS) {
                throw new FileFault(Reason.INVALID_MODE);
            }
            byte[] oldest = Arrays.copyOfRange(file.body(), file.size() - file.recordLength, file.size());
            System.arraycopy(bytes, 0, oldest, offset, bytes.length);
            push(file, oldest);
            return;
        }
        file.write((record(file, number, mode) - 1) * file.recordLength + offset, bytes);
    }

    private void push(CardFile file, byte[] record) {
        byte[] body = file.body();
        byte[] turned = new byte[body.length];
        System.arraycopy(record, 0, turned, 0, record.length);
        System.arraycopy(body, 0, turned, record.length, body.length - record.length);
        file.write(0, turned);
        place[RECORD] = 1;
    }

    /**
     * The record where a search begins, checked when somebody names it.
     *
     * @param number 0 for none
     * @throws FileFault where the file has no such record; TS 102 221 11.1.7
     */
    public int recordToSearch(int number) {
        CardFile file = usable(READ, Structure.LINEAR, Structure.CYCLIC);
        if (number < 0 || number > file.recordCount()) {
            throw new FileFault(Reason.RECORD_NOT_FOUND);
        }
        return number;
    }

    /**
     * Numbers of the records that hold the pattern at or behind an offset; the first one becomes the current record.
     */
    public List<Integer> search(int from, boolean forward, int offset, byte[] pattern) {
        return search(from, forward, offset, pattern, (file, record) -> offset);
    }

    /** The same behind the first byte of a value in each record; a record without it does not hold the pattern. */
    public List<Integer> searchBehind(int from, boolean forward, byte value, byte[] pattern) {
        return search(from, forward, 0, pattern, (file, record) -> {
            int start = (record - 1) * file.recordLength;
            for (int at = 0; at < file.recordLength; at++) {
                if (file.body()[start + at] == value) {
                    return at + 1;
                }
            }
            return file.recordLength;
        });
    }

    private List<Integer> search(
            int from, boolean forward, int least, byte[] pattern, ToIntBiFunction<CardFile, Integer> offset) {
        CardFile file = usable(READ, Structure.LINEAR, Structure.CYCLIC);
        if (pattern.length == 0 || pattern.length > file.recordLength - least) {
            throw new FileFault(Reason.OUT_OF_RECORD);
        }
        int step = forward ? 1 : -1;
        List<Integer> found = new ArrayList<>();
        for (int record = from; record >= 1 && record <= file.recordCount(); record += step) {
            if (holds(file, record, offset.applyAsInt(file, record), pattern)) {
                found.add(record);
            }
        }
        if (!found.isEmpty()) {
            place[RECORD] = found.get(0).shortValue();
        }
        return found;
    }

    private static boolean holds(CardFile file, int record, int offset, byte[] pattern) {
        int start = (record - 1) * file.recordLength;
        for (int at = offset; at + pattern.length <= file.recordLength; at++) {
            if (Arrays.equals(file.body(), start + at, start + at + pattern.length, pattern, 0, pattern.length)) {
                return true;
            }
        }
        return false;
    }

    public int currentRecord() {
        return place[RECORD];
    }

    /** True for a file whose records have no room there. */
    public boolean isRecordLongerThan(int room) {
        return !file().isDirectory() && file().structure == Structure.CYCLIC && file().recordLength > room;
    }

    public int recordCount() {
        return elementary().recordCount();
    }

    /** Adds to the last value of a cyclic file; the new record. */
    public byte[] increase(byte[] value) {
        CardFile file = usable(INCREASE, Structure.CYCLIC);
        if (file.recordCount() == 0) {
            throw new FileFault(Reason.RECORD_NOT_FOUND);
        }
        if (value.length > LONGEST_AMOUNT) {
            throw new FileFault(Reason.OUT_OF_RECORD);
        }
        BigInteger sum = new BigInteger(1, Arrays.copyOf(file.body(), file.recordLength)).add(new BigInteger(1, value));
        if (sum.bitLength() > 8 * file.recordLength) {
            throw new FileFault(Reason.MAX_VALUE);
        }
        byte[] record = new byte[file.recordLength];
        byte[] digits = sum.toByteArray();
        int length = Math.min(digits.length, record.length);
        System.arraycopy(digits, digits.length - length, record, record.length - length, length);
        push(file, record);
        return record;
    }

    public void activate(boolean active) {
        CardFile file = elementary();
        requireAlive(file);
        allow(file, active ? ACTIVATE : DEACTIVATE);
        file.become(active ? FileMemory.ACTIVE : FileMemory.INACTIVE);
    }
}

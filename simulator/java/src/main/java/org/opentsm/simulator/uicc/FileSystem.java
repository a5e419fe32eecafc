// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import java.util.Arrays;
import java.util.List;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.SimulatorException;
import org.opentsm.simulator.image.DataFileSetup;
import org.opentsm.simulator.image.PinSetup;

/**
 * The files of a card towards the terminal, with the class bytes 00 and 80 (ETSI TS 102 221) and, as on older SIM
 * cards, A0 (TS 51.011). It does not touch the selected applet.
 */
public final class FileSystem {

    private static final int INS_DEACTIVATE = 0x04;
    private static final int INS_INCREASE = 0x32;
    private static final int INS_ACTIVATE = 0x44;
    private static final int INS_SEARCH_RECORD = 0xA2;
    private static final int INS_SELECT = 0xA4;
    private static final int INS_READ_BINARY = 0xB0;
    private static final int INS_READ_RECORD = 0xB2;
    private static final int INS_GET_RESPONSE = 0xC0;
    private static final int INS_UPDATE_BINARY = 0xD6;
    private static final int INS_UPDATE_RECORD = 0xDC;
    private static final int INS_RETRIEVE_DATA = 0xCB;
    private static final int INS_SET_DATA = 0xDB;
    private static final int INS_STATUS = 0xF2;
    private static final int INS_RESIZE = 0xD4;
    /** Mode 1 of RESIZE FILE, TS 102 222 6.10.2. */
    private static final int EMPTYING = 1;

    private static final int INS_CREATE = 0xE0;
    private static final int INS_DELETE = 0xE4;
    private static final int INS_TERMINATE_DIRECTORY = 0xE6;
    private static final int INS_TERMINATE_FILE = 0xE8;
    private static final int TAG_PARAMETERS = 0x62;
    private static final int NO_DATA = 0x0C;
    private static final int SIM = 0xA0;
    private static final int UICC = 0x80;
    /** TS 51.011 9.4.1: so many bytes are to be fetched. */
    private static final int SIM_RESPONSE = 0x9F00;
    /** Bytes of the search indication, in front of the pattern. */
    private static final int SEARCH_INDICATION = 2;

    private final FileTree tree;
    private final boolean whole;
    private final short[] terminal = new short[2];
    private final PinCommands pins;
    /** False for who has the card's own rights. */
    private final boolean isTerminal;
    /** Name of the application that is selected, or null. */
    private byte[] application;

    private FilePlace place;
    private byte[] pending = new byte[0];
    /** Whether GET RESPONSE may fetch the next block of a data object: behind RETRIEVE DATA and itself. */
    private boolean isRetrieving;
    /** The file that the last command changed, or null. */
    private FileUpdate updated;
    /** The network application whose session is open, and the one whose session the last command ended; or null. */
    private CardFile open;

    private CardFile left;

    private FileSystem(FileTree tree, boolean whole, boolean isTerminal) {
        this.tree = tree;
        this.whole = whole;
        this.isTerminal = isTerminal;
        pins = new PinCommands(tree.pins());
        place = place();
    }

    /** Where it was, with what has been shown since. */
    private FilePlace place() {
        return isTerminal
                ? FilePlace.ofTerminal(tree, application, terminal)
                : new FilePlace(tree, application, terminal);
    }

    /**
     * @param iccid content of EF.ICCID, 10 bytes, digits swapped
     * @param whole false for MF and EF.ICCID alone, which only can be read
     */
    public static FileSystem of(byte[] iccid, boolean whole) {
        return of(iccid, whole, List.of());
    }

    /** @param pins that open the files; a card without any has them free */
    public static FileSystem of(byte[] iccid, boolean whole, List<PinSetup> pins) {
        return of(iccid, whole, pins, List.of());
    }

    /**
     * @param more files of BER-TLV structure beside the standard ones
     * @throws SimulatorException {@code image-invalid} for one whose place is not there or taken
     */
    public static FileSystem of(byte[] iccid, boolean whole, List<PinSetup> pins, List<DataFileSetup> more) {
        FileTree files = whole ? StandardFiles.whole(iccid, pins, more) : StandardFiles.identity(iccid);
        FileSystem made = new FileSystem(files, whole, true);
        made.tree.live(made.tree.memory());
        return made;
    }

    /** The same files for somebody else than the terminal, with a place of his own. */
    public static FileSystem over(FileTree tree) {
        FileSystem made = new FileSystem(tree, true, false);
        made.reset();
        return made;
    }

    public FileTree tree() {
        return tree;
    }

    /** EF.ICCID for the digits of an ICCID: low nibble first, F behind the last digit. */
    public static byte[] encodeIccid(String digits) {
        String padded = (digits + "FFFF").substring(0, 20);
        StringBuilder swapped = new StringBuilder();
        for (int i = 0; i < padded.length(); i += 2) {
            swapped.append(padded.charAt(i + 1)).append(padded.charAt(i));
        }
        return Hex.decode(swapped.toString());
    }

    public void reset() {
        if (isTerminal) {
            tree.pins().reset();
            tree.transfers().clear();
        }
        isRetrieving = false;
        application = null;
        place = place();
        place.home();
        pending = new byte[0];
        open = null;
        left = null;
    }

    /** What the last command changed in an elementary file, once; or null. */
    public FileUpdate takeUpdated() {
        FileUpdate found = updated;
        updated = null;
        return found;
    }

    /** Name of the network application whose session the last command ended, once; or null. */
    public byte[] takeLeft() {
        CardFile found = left;
        left = null;
        return found == null ? null : found.name.clone();
    }

    /** Another application than one of the network was selected. */
    public void leave() {
        session(null);
    }

    private void session(CardFile application) {
        if (open != application) {
            left = open;
        }
        open = application;
    }

    /**
     * SELECT by the name of a network application: its directory becomes the current one.
     *
     * @param ends the session of that application instead of beginning one; TS 102 221 11.1.1.2
     */
    public byte[] selectApplication(byte[] name, boolean wantsParameters, boolean ends) {
        CardFile found = whole ? tree.application(name) : null;
        if (found == null) {
            return null;
        }
        if (!ends || found == open) {
            session(ends ? null : found);
        }
        application = found.name;
        place = place();
        place.home();
        return wantsParameters ? answer(place.controlParameters(), 0x9000) : status(0x9000);
    }

    /** The response, or null when the command is not one for the file system. */
    public byte[] process(byte[] command) {
        int cla = command[0] & 0xFF;
        int ins = command[1] & 0xFF;
        boolean interindustry = cla == 0x00 || cla == SIM;
        boolean card = whole
                && (cla == UICC || cla == SIM)
                && (ins == INS_STATUS && (command[2] & 0xFC) == 0 || ins == INS_INCREASE || ins == INS_RESIZE);
        boolean object = whole && cla == UICC && (ins == INS_RETRIEVE_DATA || ins == INS_SET_DATA);
        boolean rest = isRetrieving && ins == INS_GET_RESPONSE && (interindustry || cla == UICC);
        isRetrieving = false;
        if (!interindustry && !card && !object && !rest) {
            return null;
        }
        byte[] waiting = pending;
        pending = new byte[0];
        place = place();
        try {
            if (object || rest) {
                return dataObject(ins, command);
            }
            return switch (ins) {
                case INS_SELECT ->
                    command[2] == 0x04 ? null : new FileSelection(this, place).select(command, cla == SIM);
                case INS_READ_BINARY -> readBinary(command);
                case INS_GET_RESPONSE -> waiting.length == 0 ? null : getResponse(command, waiting);
                default -> {
                    if (isTerminal && pins.takes(ins)) {
                        yield pins.process(command, cla == SIM);
                    }
                    yield whole ? more(command, ins, cla == SIM) : null;
                }
            };
        } catch (FileFault fault) {
            return status(cla == SIM ? fault.reason.simStatus() : fault.reason.status);
        }
    }

    private byte[] dataObject(int ins, byte[] command) {
        DataCommands objects = new DataCommands(place);
        if (ins == INS_GET_RESPONSE) {
            boolean plain = command.length == 5 && command[2] == 0 && command[3] == 0;
            int expected = command.length < 5 || command[4] == 0 ? 256 : command[4] & 0xFF;
            byte[] block = plain ? objects.block(expected) : status(0x6A86);
            isRetrieving = objects.isReading();
            return block;
        }
        if (!objects.takes(ins, command)) {
            return null;
        }
        byte[] answer = objects.process(ins, command);
        isRetrieving = objects.isReading();
        if (objects.hasChanged()) {
            changed(-1, 0);
        }
        return answer;
    }

    private byte[] more(byte[] command, int ins, boolean gsm) {
        byte[] data = data(command);
        int p1 = command[2] & 0xFF;
        int p2 = command[3] & 0xFF;
        switch (ins) {
            case INS_READ_RECORD -> {
                shortIdentifier(p2 >> 3);
                byte[] record = place.readRecord(p1, p2 & 7, 0, -1);
                int expected = command.length < 5 ? 0 : command[4] & 0xFF;
                return expected == 0 || expected == record.length
                        ? answer(record, 0x9000)
                        : status(gsm ? 0x6700 : 0x6C00 | record.length);
            }
            case INS_UPDATE_RECORD -> {
                shortIdentifier(p2 >> 3);
                if (data.length != place.recordLength()) {
                    return status(0x6700);
                }
                place.updateRecord(p1, p2 & 7, 0, data);
                boolean named = p1 != 0 && (p2 & 7) == FilePlace.ABSOLUTE;
                return changed(named ? p1 : place.currentRecord(), data.length);
            }
            case INS_UPDATE_BINARY -> {
                int offset = offset(p1, p2);
                place.updateBinary(offset, data);
                return changed(offset, data.length);
            }
            case INS_SEARCH_RECORD -> {
                return gsm ? seek(p2, data) : search(command, p1, p2, data);
            }
            case INS_INCREASE -> {
                byte[] sum = place.increase(data);
                changed(place.currentRecord(), place.recordLength());
                byte[] both = join(sum, data);
                return gsm ? toFetch(both) : answer(both, 0x9000);
            }
            case INS_ACTIVATE, INS_DEACTIVATE -> {
                byte[] refused = data.length == 0 || gsm ? null : new FileSelection(this, place).find(command);
                if (refused == null) {
                    place.activate(ins == INS_ACTIVATE);
                }
                return refused == null ? status(0x9000) : refused;
            }
            case INS_CREATE, INS_DELETE, INS_RESIZE, INS_TERMINATE_DIRECTORY, INS_TERMINATE_FILE -> {
                boolean emptying = ins == INS_RESIZE && p1 == EMPTYING;
                return administer(ins, (emptying || p1 == 0) && p2 == 0, emptying, data);
            }
            case INS_STATUS -> {
                boolean wanted = gsm || p2 != NO_DATA;
                return wanted ? answer(upTo(command, place.directoryParameters(gsm)), 0x9000) : status(0x9000);
            }
            default -> {
                return null;
            }
        }
    }

    /** Files are made, deleted, resized and ended as ETSI TS 102 222 says; parameters with or without tag 62. */
    private byte[] administer(int ins, boolean plain, boolean emptying, byte[] data) {
        if (!plain) {
            return status(0x6A86);
        }
        FileAdministration files = new FileAdministration(place);
        switch (ins) {
            case INS_CREATE -> files.create(parameters(data));
            case INS_RESIZE -> files.resize(parameters(data), emptying);
            case INS_DELETE -> {
                if (data.length != 2) {
                    return status(0x6700);
                }
                files.delete((data[0] & 0xFF) << 8 | data[1] & 0xFF);
            }
            default -> files.terminate(ins == INS_TERMINATE_DIRECTORY);
        }
        return status(0x9000);
    }

    private static byte[] parameters(byte[] data) {
        boolean wrapped = data.length > 2 && (data[0] & 0xFF) == TAG_PARAMETERS && (data[1] & 0xFF) == data.length - 2;
        return wrapped ? Arrays.copyOfRange(data, 2, data.length) : data;
    }

    /** As much as the terminal expects, where it expects less; TS 102 221 11.1.2. */
    private static byte[] upTo(byte[] command, byte[] data) {
        int expected = command.length == 5 ? command[4] & 0xFF : 0;
        return expected == 0 || expected >= data.length ? data : Arrays.copyOf(data, expected);
    }

    private byte[] changed(int at, int length) {
        updated = new FileUpdate(place.path(), at, length);
        return status(0x9000);
    }

    private static byte[] join(byte[] first, byte[] second) {
        byte[] all = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, all, first.length, second.length);
        return all;
    }

    private void shortIdentifier(int identifier) {
        if (identifier != 0) {
            place.selectByShortIdentifier(identifier);
        }
    }

    /** P1 with the high bit names a file by its short identifier. */
    private int offset(int p1, int p2) {
        if ((p1 & 0x80) == 0) {
            return p1 << 8 | p2;
        }
        place.selectByShortIdentifier(p1 & 0x1F);
        return p2;
    }

    /** Numbers of records; of a simple search by the pattern alone, of an enhanced one behind an indication. */
    private byte[] search(byte[] command, int p1, int p2, byte[] data) {
        int mode = p2 & 7;
        boolean enhanced = mode == RecordSearch.ENHANCED;
        int head = enhanced ? SEARCH_INDICATION : 0;
        if (data.length <= head) {
            return status(0x6700);
        }
        int indication = enhanced ? (data[0] & 0xFF) << 8 | data[1] & 0xFF : 0;
        if (enhanced && (indication >> 8 & 0xF4) != RecordSearch.FORWARD) {
            return status(0x6A80);
        }
        shortIdentifier(p2 >> 3);
        byte[] pattern = Arrays.copyOfRange(data, head, data.length);
        byte[] found = numbers(new RecordSearch(place).find(mode, p1, indication, pattern));
        int most = command.length == 6 + data.length ? command[command.length - 1] & 0xFF : 0;
        byte[] told = most == 0 || most >= found.length ? found : Arrays.copyOf(found, most);
        return found.length == 0 ? status(0x6282) : answer(told, 0x9000);
    }

    /** SEEK, TS 51.011 9.2.7: of type 2 the number of the record is to be fetched. */
    private byte[] seek(int p2, byte[] pattern) {
        if (p2 >> 4 > 1) {
            return status(0x6B00);
        }
        byte[] found = numbers(new RecordSearch(place).seek(p2 & 0x0F, pattern));
        if (found.length == 0) {
            throw new FileFault(FileFault.Reason.PATTERN_NOT_FOUND);
        }
        return p2 >> 4 == 0 ? status(0x9000) : toFetch(Arrays.copyOf(found, 1));
    }

    private static byte[] numbers(List<Integer> records) {
        byte[] numbers = new byte[records.size()];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = records.get(i).byteValue();
        }
        return numbers;
    }

    /** To a terminal of the class A0, which fetches what there is by GET RESPONSE. */
    byte[] toFetch(byte[] response) {
        offer(response);
        return status(SIM_RESPONSE | response.length);
    }

    private byte[] readBinary(byte[] command) {
        if (command.length != 5) {
            return status(0x6700);
        }
        int offset = offset(command[2] & 0xFF, command[3] & 0xFF);
        int size = place.readBinary(0, -1).length;
        if (offset >= size) {
            return status(0x6B00);
        }
        int available = size - offset;
        int expected = command[4] & 0xFF;
        if (expected > available) {
            return status(0x6C00 | available);
        }
        return answer(place.readBinary(offset, expected == 0 ? Math.min(available, 256) : expected), 0x9000);
    }

    private byte[] getResponse(byte[] command, byte[] waiting) {
        if (command.length != 5 || command[2] != 0 || command[3] != 0) {
            return status(0x6A86);
        }
        int expected = command[4] & 0xFF;
        if (expected > waiting.length) {
            pending = waiting;
            return status(0x6C00 | waiting.length);
        }
        return answer(expected == 0 ? waiting : Arrays.copyOf(waiting, expected), 0x9000);
    }

    /** What GET RESPONSE is to fetch. */
    void offer(byte[] response) {
        pending = response;
    }

    static byte[] data(byte[] command) {
        int length = command.length > 5 ? command[4] & 0xFF : 0;
        return Arrays.copyOfRange(command, Math.min(5, command.length), Math.min(command.length, 5 + length));
    }

    static byte[] answer(byte[] data, int sw) {
        byte[] response = Arrays.copyOf(data, data.length + 2);
        response[data.length] = (byte) (sw >> 8);
        response[data.length + 1] = (byte) sw;
        return response;
    }

    static byte[] status(int sw) {
        return answer(new byte[0], sw);
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import java.util.Arrays;
import javacard.framework.ApduForm;

/**
 * RETRIEVE DATA and SET DATA of class 80, ETSI TS 102 221 11.3.1 and 11.3.2. P2 is {@code mode (bits 8 and 7: 10 first
 * block, 00 next, 01 the one before again), short identifier (bits 5 to 1), 0 for the current file}.
 */
final class DataCommands {

    private static final int RETRIEVE = 0xCB;
    private static final int SET = 0xDB;
    private static final int MODE = 0xC0;
    private static final int SHORT_IDENTIFIER = 0x1F;
    private static final int FIRST = 0x80;
    private static final int NEXT = 0x00;
    private static final int AGAIN = 0x40;
    private static final int BLOCK = 256;
    private static final int DONE = 0x9000;
    /** Warnings of TS 102 221 10.2.1.3: more is available, a response is to be fetched, more is expected. */
    private static final int MORE_AVAILABLE = 0x62F1;

    private static final int RESPONSE_AVAILABLE = 0x62F3;
    private static final int MORE_EXPECTED = 0x63F1;
    private static final int WRONG_LENGTH = 0x6700;
    private static final int WRONG_DATA = 0x6A80;
    private static final int WRONG_PARAMETERS = 0x6A86;

    private final FilePlace place;
    private final DataAccess objects;
    /** Whether SET DATA changed the file, now that its last block is there. */
    private boolean changed;

    DataCommands(FilePlace place) {
        this.place = place;
        objects = new DataAccess(place);
    }

    boolean hasChanged() {
        return changed;
    }

    /**
     * Whether it is one: GET DATA of GlobalPlatform has the same instruction, with a tag where P1 and P2 are here, and
     * comes without data or while no elementary file is selected.
     */
    boolean takes(int ins, byte[] command) {
        ApduForm form = ApduForm.parse(command);
        if (ins != RETRIEVE || form == null) {
            return ins == SET;
        }
        boolean first = (form.p2() & MODE) == FIRST && form.dataLength() > 0;
        boolean next = (form.p2() & MODE) == NEXT && place.hasElementaryFile();
        boolean again = (form.p2() & MODE) == AGAIN && place.transfer() != null;
        return form.p1() == 0 && (first || next || again);
    }

    byte[] process(int ins, byte[] command) {
        ApduForm form = ApduForm.parse(command);
        if (form == null) {
            return FileSystem.status(WRONG_LENGTH);
        }
        int mode = form.p2() & MODE;
        if (form.p1() != 0 || mode != FIRST && mode != NEXT && mode != AGAIN) {
            return FileSystem.status(WRONG_PARAMETERS);
        }
        if ((form.p2() & SHORT_IDENTIFIER) != 0) {
            place.selectByShortIdentifier(form.p2() & SHORT_IDENTIFIER);
        }
        return ins == SET ? set(mode, form) : retrieve(mode, form);
    }

    private byte[] retrieve(int mode, ApduForm form) {
        if (form.dataLength() > 0 != (mode == FIRST)) {
            return FileSystem.status(WRONG_LENGTH);
        }
        if (mode == FIRST) {
            objects.read(form.data());
        } else if (mode == AGAIN) {
            objects.again(false);
        }
        if (form.expected() == ApduForm.ABSENT && isReading()) {
            int left = objects.left();
            return FileSystem.status(left > BLOCK ? RESPONSE_AVAILABLE : 0x6100 | left & 0xFF);
        }
        // Le of a command with data is the most that is wanted, of one without how much comes.
        return mode == FIRST ? blockUpTo(form.expected()) : block(form.expected());
    }

    /** A block of the object that is being read, of 256 bytes at most unless Le has two bytes. */
    byte[] block(int expected) {
        int left = objects.left();
        if (isReading() && expected > left && expected < BLOCK) {
            return FileSystem.status(0x6C00 | left);
        }
        return blockUpTo(expected);
    }

    private byte[] blockUpTo(int most) {
        byte[] block = objects.next(most);
        return FileSystem.answer(block, objects.left() > 0 ? MORE_AVAILABLE : DONE);
    }

    /** Whether GET RESPONSE fetches a block. */
    boolean isReading() {
        DataTransfer transfer = place.transfer();
        return transfer != null && !transfer.isWriting && transfer.left() > 0;
    }

    private byte[] set(int mode, ApduForm form) {
        byte[] data = form.data();
        if (data.length == 0) {
            return FileSystem.status(WRONG_LENGTH);
        }
        boolean first = mode == FIRST || mode == AGAIN && objects.isAtFirstBlock();
        if (mode == AGAIN && !first) {
            objects.again(true);
        }
        return first ? firstBlock(data) : written(data);
    }

    /** {@code tag, length, the value or its beginning}, or the tag alone of what is to be deleted. */
    private byte[] firstBlock(byte[] data) {
        int tag = DataObjects.tagLength(data, 0);
        byte[] name = Arrays.copyOf(data, tag);
        if (tag > 0 && tag == data.length) {
            objects.delete(name);
            changed = true;
            return FileSystem.status(DONE);
        }
        int field = tag == 0 ? 0 : DataObjects.lengthLength(data, tag);
        if (field == 0) {
            place.endTransfer();
            place.dataFile(FilePlace.UPDATE);
            return FileSystem.status(WRONG_DATA);
        }
        objects.begin(name, DataObjects.length(data, tag));
        return written(Arrays.copyOfRange(data, tag + field, data.length));
    }

    private byte[] written(byte[] block) {
        int left = objects.write(block);
        changed = left == 0;
        return FileSystem.status(changed ? DONE : MORE_EXPECTED);
    }
}

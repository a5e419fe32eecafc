// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import java.util.Arrays;
import java.util.List;
import org.opentsm.simulator.uicc.FileFault.Reason;

/**
 * What somebody does with the data objects of the file of BER-TLV structure that he has selected; ETSI TS 102 221 11.3.
 * An object that is replaced in one block is changed by one write. In several blocks it is gone from the first one on
 * and comes with the last one, so that whoever ends a transfer early, or a power cut, leaves no half of it.
 */
public final class DataAccess {

    /** What a list of tags without header is read as. */
    private static final byte[] ALL_TAGS = {DataObjects.LIST};

    private final FilePlace place;

    public DataAccess(FilePlace place) {
        this.place = place;
    }

    private CardFile file(int act) {
        return place.dataFile(act);
    }

    /**
     * The value of an object, in one piece; an unfinished transfer ends.
     *
     * @throws FileFault INVALID_TAG, DATA_NOT_FOUND, and those of all access to files
     */
    public byte[] value(byte[] tag) {
        CardFile file = file(FilePlace.READ);
        place.endTransfer();
        if (!DataObjects.isTag(tag)) {
            throw new FileFault(Reason.INVALID_TAG);
        }
        byte[] object = found(file, tag);
        int header = tag.length + DataObjects.lengthLength(object, tag.length);
        return Arrays.copyOfRange(object, header, object.length);
    }

    private static byte[] found(CardFile file, byte[] tag) {
        byte[] object = DataObjects.find(file.body(), tag);
        if (object == null) {
            throw new FileFault(Reason.DATA_NOT_FOUND);
        }
        return object;
    }

    /**
     * Some of the tags, from the first one or behind those given before.
     *
     * @throws FileFault NO_TRANSFER when none were given before, OUT_OF_DATA when there are fewer
     */
    public List<byte[]> tags(boolean first, int count) {
        CardFile file = file(FilePlace.READ);
        if (first) {
            place.endTransfer();
            place.transfer(DataTransfer.reading(file, ALL_TAGS, DataObjects.tags(file.body())));
        }
        DataTransfer transfer = transfer(false);
        if (transfer.tag != ALL_TAGS) {
            throw new FileFault(Reason.NO_TRANSFER);
        }
        List<byte[]> rest = DataObjects.split(transfer.rest());
        if (count > rest.size()) {
            throw new FileFault(Reason.OUT_OF_DATA);
        }
        List<byte[]> given = rest.subList(0, count);
        transfer.next(given.stream().mapToInt(tag -> tag.length).sum());
        return given;
    }

    /** How many {@link #tags} has not given yet. */
    public int tagsLeft() {
        DataTransfer transfer = place.transfer();
        return transfer == null ? 0 : DataObjects.split(transfer.rest()).size();
    }

    /**
     * Begins to read an object with its header, or for tag 5C the list of tags.
     *
     * @throws FileFault INVALID_TAG, DATA_NOT_FOUND, and those of all access to files
     */
    void read(byte[] tag) {
        CardFile file = file(FilePlace.READ);
        place.endTransfer();
        byte[] object;
        if (DataObjects.isList(tag)) {
            byte[] tags = DataObjects.tags(file.body());
            byte[] header = DataObjects.header(tag, tags.length);
            object = Arrays.copyOf(header, header.length + tags.length);
            System.arraycopy(tags, 0, object, header.length, tags.length);
        } else if (DataObjects.isTag(tag)) {
            object = found(file, tag);
        } else {
            throw new FileFault(Reason.INVALID_TAG);
        }
        place.transfer(DataTransfer.reading(file, tag, object));
    }

    private DataTransfer transfer(boolean writing) {
        file(writing ? FilePlace.UPDATE : FilePlace.READ);
        DataTransfer transfer = place.transfer();
        if (transfer == null || transfer.isWriting != writing) {
            throw new FileFault(Reason.NO_TRANSFER);
        }
        return transfer;
    }

    /** What is left to be read or written; 0 without a transfer. */
    public int left() {
        DataTransfer transfer = place.transfer();
        return transfer == null ? 0 : transfer.left();
    }

    /** @throws FileFault NO_TRANSFER when nothing is being read */
    byte[] next(int most) {
        DataTransfer transfer = transfer(false);
        if (transfer.left() == 0) {
            throw new FileFault(Reason.NO_TRANSFER);
        }
        return transfer.next(most);
    }

    /** Goes back by one block. @throws FileFault NO_TRANSFER when none is on its way */
    void again(boolean writing) {
        transfer(writing).again();
    }

    /**
     * Begins to write an object.
     *
     * @param length of its value
     * @throws FileFault INVALID_TAG, OUT_OF_DATA for a negative length, NO_ROOM, and those of all access to files
     */
    public void begin(byte[] tag, int length) {
        CardFile file = file(FilePlace.UPDATE);
        place.endTransfer();
        if (!DataObjects.isTag(tag)) {
            throw new FileFault(Reason.INVALID_TAG);
        }
        if (length < 0) {
            throw new FileFault(Reason.OUT_OF_DATA);
        }
        requireRoom(file, tag, (long) DataObjects.header(tag, length).length + length);
        place.transfer(DataTransfer.writing(file, tag, length));
    }

    private static void requireRoom(CardFile file, byte[] tag, long size) {
        if (DataObjects.without(file.body(), tag).length + size > file.maximumSize()) {
            throw new FileFault(Reason.NO_ROOM);
        }
    }

    /**
     * The next part of the value; with the last one the object is there.
     *
     * @return bytes that are left
     * @throws FileFault NO_TRANSFER, OUT_OF_DATA for more than was said, NO_ROOM
     */
    public int write(byte[] block) {
        DataTransfer transfer = transfer(true);
        CardFile file = transfer.file;
        if (block.length > transfer.left()) {
            place.endTransfer();
            throw new FileFault(Reason.OUT_OF_DATA);
        }
        transfer.add(block);
        byte[] rest = DataObjects.without(file.body(), transfer.tag);
        if (transfer.left() > 0) {
            if (rest.length != file.size()) {
                file.replace(rest);
            }
            return transfer.left();
        }
        place.endTransfer();
        byte[] object = transfer.whole();
        requireRoom(file, transfer.tag, object.length);
        byte[] row = Arrays.copyOf(rest, rest.length + object.length);
        System.arraycopy(object, 0, row, rest.length, object.length);
        file.replace(row);
        return 0;
    }

    /** Whether the last block that was written was the first one: it can be given again with its header. */
    boolean isAtFirstBlock() {
        return transfer(true).isAtFirstBlock();
    }

    /** @throws FileFault INVALID_TAG, DATA_NOT_FOUND, and those of all access to files */
    public void delete(byte[] tag) {
        CardFile file = file(FilePlace.UPDATE);
        place.endTransfer();
        if (!DataObjects.isTag(tag)) {
            throw new FileFault(Reason.INVALID_TAG);
        }
        found(file, tag);
        file.replace(DataObjects.without(file.body(), tag));
    }
}

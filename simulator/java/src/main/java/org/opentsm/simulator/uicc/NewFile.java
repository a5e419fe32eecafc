// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import org.opentsm.simulator.uicc.CardFile.Structure;
import org.opentsm.simulator.uicc.FileFault.Reason;

/** The control parameters that CREATE FILE and RESIZE FILE give, ETSI TS 102 222 6.3.2 and 6.10.2, object by object. */
final class NewFile {

    private static final int DESCRIPTOR = 0x82;
    private static final int IDENTIFIER = 0x83;
    private static final int NAME = 0x84;
    private static final int LIFE_CYCLE = 0x8A;
    private static final int SIZE = 0x80;
    private static final int DIRECTORY_SIZE = 0x81;
    private static final int SHORT_IDENTIFIER = 0x88;
    private static final int PROPRIETARY = 0xA5;
    private static final int FILLING = 0xC1;
    private static final int REPEATING = 0xC2;
    private static final int MAXIMUM_SIZE = 0x86;
    private static final int[] SECURITY = {0x8B, 0x8C, 0xAB};
    private static final int DIRECTORY_FORM = 0x38;
    private static final int FORMS = 0x3F;
    private static final int SHAREABLE = 0x40;
    private static final int LARGEST = 0x7FFF;
    /** Of a file of data objects, and what one may have that says nothing. */
    private static final int LARGEST_OF_OBJECTS = 0xFFFFF;

    private static final int OBJECTS = 0xFFFF;
    private static final int LONGEST_SIZE = 4;
    private static final int LONGEST_RECORD = 255;
    private static final int MOST_RECORDS = 254;

    private final byte[] objects;

    /** @throws FileFault INCORRECT_PARAMETERS when these are no data objects */
    NewFile(byte[] objects) {
        this.objects = objects;
        int at = 0;
        while (at + 1 < objects.length) {
            at += 2 + (objects[at + 1] & 0xFF);
        }
        if (objects.length == 0 || at != objects.length) {
            throw incorrect();
        }
    }

    private static FileFault incorrect() {
        return new FileFault(Reason.INCORRECT_PARAMETERS);
    }

    /** The value of an object; null without it. */
    private byte[] find(int tag) {
        return find(objects, tag);
    }

    private static byte[] find(byte[] in, int tag) {
        for (int at = 0; at + 1 < in.length; at += 2 + (in[at + 1] & 0xFF)) {
            int end = at + 2 + (in[at + 1] & 0xFF);
            if ((in[at] & 0xFF) == tag && end <= in.length) {
                return Arrays.copyOfRange(in, at + 2, end);
            }
        }
        return null;
    }

    private static int number(byte[] value, int from, int to) {
        if (value == null || value.length < to || to - from > 2) {
            throw incorrect();
        }
        int read = 0;
        for (int i = from; i < to; i++) {
            read = read << 8 | value[i] & 0xFF;
        }
        return read;
    }

    int identifier() {
        return number(find(IDENTIFIER), 0, 2);
    }

    private int form() {
        return number(find(DESCRIPTOR), 0, 1) & FORMS;
    }

    boolean isDirectory() {
        return form() == DIRECTORY_FORM;
    }

    /** Name of an application's directory, or null. */
    byte[] name() {
        return find(NAME);
    }

    /** The size that is asked for: of an elementary file its bytes; a file of records may begin without any. */
    int size() {
        byte[] size = find(SIZE);
        int asked = number(size, 0, size == null ? 1 : size.length);
        if (asked > LARGEST) {
            throw incorrect();
        }
        return asked;
    }

    /** Whether RESIZE FILE means a directory. */
    boolean hasDirectorySize() {
        return find(DIRECTORY_SIZE) != null;
    }

    private Structure structure() {
        return switch (form()) {
            case DIRECTORY_FORM -> Structure.DIRECTORY;
            case 0x01 -> Structure.TRANSPARENT;
            case 0x02 -> Structure.LINEAR;
            case 0x06 -> Structure.CYCLIC;
            case 0x39 -> Structure.BER_TLV;
            default -> throw incorrect();
        };
    }

    /** An empty object is for none; without the object it is the identifier's last five bits. TS 102 222 6.3.2.1. */
    private int shortIdentifier() {
        byte[] given = find(SHORT_IDENTIFIER);
        return given == null ? identifier() & 0x1F : given.length == 0 ? 0 : (given[0] & 0xFF) >> 3;
    }

    private byte[] security() {
        for (int tag : SECURITY) {
            byte[] value = find(tag);
            if (value != null) {
                byte[] object = new byte[2 + value.length];
                object[0] = (byte) tag;
                object[1] = (byte) value.length;
                System.arraycopy(value, 0, object, 2, value.length);
                return object;
            }
        }
        throw incorrect();
    }

    byte life() {
        int given = number(find(LIFE_CYCLE), 0, 1);
        return given == 0x04 || given == 0x06 ? FileMemory.INACTIVE : FileMemory.ACTIVE;
    }

    /** The file, without contents and place. @throws FileFault INCORRECT_PARAMETERS when something is not there */
    CardFile file() {
        Structure structure = structure();
        if (structure == Structure.BER_TLV) {
            return objects();
        }
        boolean directory = structure == Structure.DIRECTORY;
        boolean records = structure == Structure.LINEAR || structure == Structure.CYCLIC;
        int length = records ? number(find(DESCRIPTOR), 2, 4) : 0;
        int size = directory ? 0 : size();
        boolean whole = length > 0 && length <= LONGEST_RECORD && size % length == 0 && size / length <= MOST_RECORDS;
        if (records && !whole && (length > 0 || size > 0)) {
            throw incorrect();
        }
        life();
        CardFile made = new CardFile(
                identifier(), structure, length, directory ? 0 : shortIdentifier(), directory ? name() : null, null);
        if (structure == Structure.TRANSPARENT && size == 0) {
            throw incorrect();
        }
        return shared(made);
    }

    private CardFile shared(CardFile made) {
        boolean shareable = (number(find(DESCRIPTOR), 0, 1) & SHAREABLE) != 0;
        return (shareable ? made : made.notShareable()).under(security());
    }

    /** Value of 86 in A5, or null. */
    byte[] maximumSize() {
        byte[] special = find(PROPRIETARY);
        return special == null ? null : find(special, MAXIMUM_SIZE);
    }

    /** 80 is what is kept for it, 86 in A5 what it may grow to; TS 102 222 6.3.2.2.2. */
    private CardFile objects() {
        int reserved = reservedSize();
        int most = largestSize();
        life();
        if (reserved > most) {
            throw incorrect();
        }
        return shared(CardFile.objects(identifier(), shortIdentifier(), reserved, most, null));
    }

    /** Bytes that are kept for a file of data objects. */
    int reservedSize() {
        return sizeOfObjects(find(SIZE));
    }

    /** Bytes that it may have; where that is not said, more than it needs. */
    int largestSize() {
        byte[] maximum = maximumSize();
        return maximum == null ? Math.max(OBJECTS, reservedSize()) : sizeOfObjects(maximum);
    }

    /**
     * These parameters with the sizes of others, for a file of data objects.
     *
     * @param other of RESIZE FILE: 80, or 86 in A5, or both; what it does not name stays
     * @param file  as it is now
     * @throws FileFault INCORRECT_PARAMETERS when more is kept than it may have, NOT_ENOUGH_MEMORY
     */
    static byte[] resized(byte[] objects, NewFile other, CardFile file) {
        byte[] size = other.find(SIZE);
        byte[] maximum = other.maximumSize();
        if (size == null && maximum == null) {
            throw incorrect();
        }
        int reserved = size == null ? file.reservedSize() : sizeOfObjects(size);
        int most = maximum == null ? file.maximumSize() : sizeOfObjects(maximum);
        if (reserved > most) {
            throw incorrect();
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int at = 0; at + 1 < objects.length; at += 2 + (objects[at + 1] & 0xFF)) {
            int tag = objects[at] & 0xFF;
            if (tag != SIZE && tag != PROPRIETARY) {
                out.write(objects, at, 2 + (objects[at + 1] & 0xFF));
            }
        }
        out.writeBytes(new byte[] {(byte) SIZE, 3, (byte) (reserved >> 16), (byte) (reserved >> 8), (byte) reserved});
        out.writeBytes(new byte[] {
            (byte) PROPRIETARY, 5, (byte) MAXIMUM_SIZE, 3, (byte) (most >> 16), (byte) (most >> 8), (byte) most
        });
        return out.toByteArray();
    }

    private static int sizeOfObjects(byte[] size) {
        if (size == null || size.length == 0 || size.length > LONGEST_SIZE) {
            throw incorrect();
        }
        long read = 0;
        for (byte part : size) {
            read = read << 8 | part & 0xFF;
        }
        if (read > LARGEST_OF_OBJECTS) {
            throw new FileFault(Reason.NOT_ENOUGH_MEMORY);
        }
        return (int) read;
    }

    /** What is in it: the pattern once and its last byte on, or again and again; else FF, or 00 in a cyclic file. */
    byte[] body() {
        if (isDirectory() || structure() == Structure.BER_TLV) {
            return new byte[0];
        }
        byte[] body = new byte[size()];
        byte[] special = find(PROPRIETARY);
        byte[] filling = special == null ? null : find(special, FILLING);
        byte[] repeating = special == null ? null : find(special, REPEATING);
        for (int i = 0; i < body.length; i++) {
            if (repeating != null && repeating.length > 0) {
                body[i] = repeating[i % repeating.length];
            } else if (filling != null && filling.length > 0) {
                body[i] = filling[Math.min(i, filling.length - 1)];
            } else {
                body[i] = (byte) (structure() == Structure.CYCLIC ? 0 : 0xFF);
            }
        }
        return body;
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;

/**
 * Walks a class file before the class reader sees it and checks the counts a reader would allocate for: table
 * lengths, switch sizes, code length. What passes can be read in memory proportional to the file.
 */
final class ClassFileGuard {
    static final int MAX_CLASS_FILE = 1 << 20;
    private final byte[] bytes;
    private final DataInputStream in;

    private ClassFileGuard(byte[] bytes) {
        this.bytes = bytes;
        this.in = new DataInputStream(new ByteArrayInputStream(bytes));
    }

    /** @throws ConversionException when the file is not a class file or its counts exceed its size */
    static void check(byte[] bytes) {
        if (bytes.length > MAX_CLASS_FILE) {
            throw new ConversionException(
                    0, "the class file has " + bytes.length + " bytes, more than " + MAX_CLASS_FILE);
        }
        try {
            new ClassFileGuard(bytes).classFile();
        } catch (IOException e) {
            throw new ConversionException(0, "the class file is damaged: it ends inside a structure");
        }
    }

    private static ConversionException damaged(String what) {
        return new ConversionException(0, "the class file is damaged: " + what);
    }

    private int position() throws IOException {
        return bytes.length - in.available();
    }

    private void skip(long count) throws IOException {
        if (count < 0 || count > in.available()) {
            throw damaged("a length points past the end");
        }
        in.skipBytes((int) count);
    }

    private void classFile() throws IOException {
        if (in.readInt() != 0xCAFEBABE) {
            throw damaged("it does not start with CAFEBABE");
        }
        skip(2);
        int major = in.readUnsignedShort();
        if (major > 61 || major < 45) {
            throw new ConversionException(
                    0, "unsupported class file format of version " + major + ".0; compile with --release 8");
        }
        String[] utf8 = constantPool();
        skip(6);
        skip(2L * in.readUnsignedShort());
        members(utf8);
        members(utf8);
        attributes(utf8, false);
        if (in.available() > 0) {
            throw damaged("bytes follow the last attribute");
        }
    }

    private String[] constantPool() throws IOException {
        int count = in.readUnsignedShort();
        String[] utf8 = new String[count];
        for (int i = 1; i < count; i++) {
            int tag = in.readUnsignedByte();
            switch (tag) {
                case 1 -> {
                    int length = in.readUnsignedShort();
                    int at = position();
                    skip(length);
                    utf8[i] = length == 4 ? new String(bytes, at, 4, java.nio.charset.StandardCharsets.ISO_8859_1) : "";
                }
                case 3, 4, 9, 10, 11, 12, 17, 18 -> skip(4);
                case 5, 6 -> {
                    skip(8);
                    i++;
                }
                case 7, 8, 16, 19, 20 -> skip(2);
                case 15 -> skip(3);
                default -> throw damaged("unknown constant tag " + tag);
            }
        }
        return utf8;
    }

    private void members(String[] utf8) throws IOException {
        int count = in.readUnsignedShort();
        for (int i = 0; i < count; i++) {
            skip(6);
            attributes(utf8, true);
        }
    }

    private void attributes(String[] utf8, boolean codeAllowed) throws IOException {
        int count = in.readUnsignedShort();
        for (int i = 0; i < count; i++) {
            int name = in.readUnsignedShort();
            long length = in.readInt() & 0xFFFFFFFFL;
            if (codeAllowed && name < utf8.length && "Code".equals(utf8[name])) {
                long after = position() + length;
                code();
                if (position() != after) {
                    throw damaged("a Code attribute has another length than its contents");
                }
            } else {
                skip(length);
            }
        }
    }

    private void code() throws IOException {
        skip(4);
        long length = in.readInt() & 0xFFFFFFFFL;
        int start = position();
        if (length == 0 || length > 65535 || length > in.available()) {
            throw damaged("a method has " + length + " bytes of code");
        }
        int end = start + (int) length;
        for (int at = start; at < end; ) {
            at = next(at, start, end);
        }
        skip(length);
        skip(8L * in.readUnsignedShort());
        int count = in.readUnsignedShort();
        for (int i = 0; i < count; i++) {
            skip(2);
            skip(in.readInt() & 0xFFFFFFFFL);
        }
    }

    private int next(int at, int start, int end) {
        int op = bytes[at] & 0xFF;
        int after;
        if (op == 0xAA || op == 0xAB) {
            int table = at + 4 - (at - start) % 4;
            if (table + 12 > end) {
                throw damaged("a switch ends outside its method");
            }
            long low = int32(table + 4);
            long entries = op == 0xAA ? (long) int32(table + 8) - low + 1 : low;
            long bytesUsed = op == 0xAA ? 12 + 4 * entries : 8 + 8 * entries;
            if (entries < 0 || bytesUsed > end - table) {
                throw damaged("a switch of " + entries + " entries does not fit its method");
            }
            after = table + (int) bytesUsed;
        } else if (op == 0xC4) {
            after = at + (at + 1 < end && (bytes[at + 1] & 0xFF) == 0x84 ? 6 : 4);
        } else {
            after = at + length(op);
        }
        if (after > end) {
            throw damaged("an instruction ends outside its method");
        }
        return after;
    }

    private int int32(int at) {
        return (bytes[at] & 0xFF) << 24
                | (bytes[at + 1] & 0xFF) << 16
                | (bytes[at + 2] & 0xFF) << 8
                | bytes[at + 3] & 0xFF;
    }

    private static int length(int op) {
        if (op > 0xC9) {
            throw damaged(String.format("opcode %02X does not exist", op));
        }
        if (op == 0x10
                || op == 0x12
                || op >= 0x15 && op <= 0x19
                || op >= 0x36 && op <= 0x3A
                || op == 0xA9
                || op == 0xBC) {
            return 2;
        }
        if (op == 0xB9 || op == 0xBA || op == 0xC8 || op == 0xC9) {
            return 5;
        }
        if (op == 0xC5) {
            return 4;
        }
        boolean three = op == 0x11
                || op == 0x13
                || op == 0x14
                || op == 0x84
                || op >= 0x99 && op <= 0xA8
                || op >= 0xB2 && op <= 0xB8
                || op == 0xBB
                || op == 0xBD
                || op == 0xC0
                || op == 0xC1
                || op == 0xC6
                || op == 0xC7;
        return three ? 3 : 1;
    }
}

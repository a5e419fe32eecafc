// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/**
 * A second reader of CAPs, written from the format's rules and sharing no code with the model. It walks every byte and
 * recomputes what is redundant: sizes, Directory, method layout, RefLocation. Any disagreement is an AssertionError.
 */
final class PageReader {
    private static final String[] NAMES = {
        "",
        "header",
        "directory",
        "applet",
        "import",
        "constantpool",
        "class",
        "method",
        "staticfield",
        "reflocation",
        "export",
        "descriptor",
        "debug",
        "staticresources"
    };
    /** Operand bytes by opcode, 0 to 184; the four switches vary and have 0 here. */
    private static final int[] OPERAND_BYTES = operandBytes();

    private final Map<Integer, byte[]> parts = new HashMap<>();
    final TreeMap<Integer, Integer> methodLengths = new TreeMap<>();
    final List<Integer> classStarts = new ArrayList<>();
    private int minor;
    private byte[] data;
    private int at;

    static PageReader read(byte[] zip) throws IOException {
        PageReader reader = new PageReader();
        try (ZipInputStream in = new ZipInputStream(new ByteArrayInputStream(zip))) {
            for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
                String name = entry.getName().toLowerCase(Locale.ROOT);
                for (int tag = 1; tag < NAMES.length; tag++) {
                    if (name.endsWith("/javacard/" + NAMES[tag] + ".cap")) {
                        reader.parts.put(tag, in.readAllBytes());
                    }
                }
            }
        }
        reader.walk();
        return reader;
    }

    private void walk() {
        header();
        descriptor();
        directory();
        applet();
        imports();
        classes();
        constantPool();
        staticField();
        methods();
        export();
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    private boolean open(int tag) {
        byte[] file = parts.get(tag);
        if (file == null) {
            return false;
        }
        require((file[0] & 0xFF) == tag, NAMES[tag] + " tag");
        require(((file[1] & 0xFF) << 8 | file[2] & 0xFF) == file.length - 3, NAMES[tag] + " size");
        data = Arrays.copyOfRange(file, 3, file.length);
        at = 0;
        return true;
    }

    private int u1() {
        return data[at++] & 0xFF;
    }

    private int u2() {
        return u1() << 8 | u1();
    }

    private void skip(int count) {
        at += count;
        require(at <= data.length, "read past the end");
    }

    private void end(String what) {
        require(at == data.length, what + " leaves " + (data.length - at) + " bytes");
    }

    private void aid() {
        int length = u1();
        require(length >= 5 && length <= 16, "AID length");
        skip(length);
    }

    private void header() {
        require(open(1), "Header is missing");
        require(u2() == 0xDECA && u2() == 0xFFED, "magic");
        minor = u1();
        require(u1() == 2 && minor >= 1 && minor <= 3, "version");
        int flags = u1();
        require((flags & 2) != 0 == parts.containsKey(10), "ACC_EXPORT");
        require((flags & 4) != 0 == parts.containsKey(3), "ACC_APPLET");
        skip(2);
        aid();
        if (minor > 1) {
            skip(u1());
        }
        end("Header");
    }

    private void directory() {
        require(open(2), "Directory is missing");
        int count = minor == 1 ? 11 : 12;
        for (int tag = 1; tag <= count; tag++) {
            int size = u2();
            byte[] part = parts.get(tag);
            require(tag == 12 || size == (part == null ? 0 : part.length - 3), "Directory size of " + NAMES[tag]);
        }
        skip(minor == 3 ? 4 : 0);
        int image = u2();
        int arrays = u2();
        int arrayBytes = u2();
        int imports = u1();
        int applets = u1();
        for (int customs = u1(); customs > 0; customs--) {
            skip(3);
            aid();
        }
        end("Directory");
        require(imports == (parts.get(4)[3] & 0xFF), "import count");
        require(applets == (parts.containsKey(3) ? parts.get(3)[3] & 0xFF : 0), "applet count");
        open(8);
        require(image == u2(), "image size");
        u2();
        require(arrays == u2(), "array count");
        for (int i = 0; i < arrays; i++) {
            u1();
            int length = u2();
            arrayBytes -= length;
            skip(length);
        }
        require(arrayBytes == 0, "array bytes");
    }

    private void applet() {
        if (open(3)) {
            for (int count = u1(); count > 0; count--) {
                aid();
                require(methodLengths.containsKey(u2()), "install offset");
            }
            end("Applet");
        }
    }

    private void imports() {
        require(open(4), "Import is missing");
        for (int count = u1(); count > 0; count--) {
            skip(2);
            aid();
        }
        end("Import");
    }

    private void classes() {
        require(open(6), "Class is missing");
        if (minor > 1) {
            skip(u2());
        }
        for (int i = 0; i < classStarts.size(); i++) {
            require(
                    at == classStarts.get(i),
                    "class " + i + " starts at " + at + ", Descriptor says " + classStarts.get(i));
            int head = u1();
            int flags = head >> 4;
            if ((flags & 8) != 0) {
                skip(2 * (head & 15));
                skip((flags & 2) != 0 ? u1() : 0);
                continue;
            }
            skip(6);
            int publicCount = u1();
            u1();
            int packageCount = u1();
            for (int k = publicCount + packageCount; k > 0; k--) {
                int method = u2();
                require(method == 0xFFFF || methodLengths.containsKey(method), "virtual table entry " + method);
            }
            for (int k = head & 15; k > 0; k--) {
                u2();
                skip(u1());
            }
            require((flags & 2) == 0, "remote classes are not read here");
            if (minor == 3) {
                int next = i + 1 < classStarts.size() ? classStarts.get(i + 1) : data.length;
                require((data[next - 1] & 0xFF) == next - 1 - at, "token mapping");
                at = next;
            }
        }
        end("Class");
    }

    private void constantPool() {
        require(open(5), "ConstantPool is missing");
        for (int count = u2(); count > 0; count--) {
            int tag = u1();
            require(tag >= 1 && tag <= 6, "constant tag " + tag);
            int first = u1();
            int rest = u2();
            if (tag == 6 && first == 0) {
                require(methodLengths.containsKey(rest), "static method " + rest);
            } else if (tag <= 4 && first < 0x80) {
                require(classStarts.contains(first << 8 | rest >> 8), "class of a constant");
            }
        }
        end("ConstantPool");
    }

    private void staticField() {
        open(8);
        int image = u2();
        int references = u2();
        for (int count = u2(); count > 0; count--) {
            int type = u1();
            require(type >= 2 && type <= 5, "array type");
            skip(u2());
        }
        int defaults = u2();
        int values = u2();
        skip(values);
        end("StaticField");
        require(image == 2 * references + defaults + values, "image size adds up");
    }

    /** Class starts, method lengths (header not counted) and type table. */
    private void descriptor() {
        require(open(11), "Descriptor is missing");
        for (int count = u1(); count > 0; count--) {
            u1();
            boolean isInterface = (u1() & 0x40) != 0;
            classStarts.add(u2());
            int interfaces = u1();
            int fields = u2();
            int methods = u2();
            skip(2 * interfaces + 7 * fields);
            for (; methods > 0; methods--) {
                skip(2);
                int offset = u2();
                u2();
                int length = u2();
                skip(4);
                require(isInterface == (offset == 0), "method offset");
                require(isInterface || methodLengths.put(offset, length) == null, "method twice");
            }
        }
        int constants = u2();
        require(constants == ((parts.get(5)[3] & 0xFF) << 8 | parts.get(5)[4] & 0xFF), "type count");
        skip(2 * constants);
        while (at < data.length) {
            skip((u1() + 1) / 2);
        }
        end("Descriptor");
    }

    private void methods() {
        require(open(7), "Method is missing");
        TreeSet<Integer> small = new TreeSet<>();
        TreeSet<Integer> large = new TreeSet<>();
        for (int count = u1(); count > 0; count--) {
            skip(6);
            if (u2() != 0) {
                large.add(at - 2);
            }
        }
        for (Map.Entry<Integer, Integer> method : methodLengths.entrySet()) {
            require(at == method.getKey(), "method at " + method.getKey() + ", the last one ends at " + at);
            skip((u1() & 0x80) != 0 ? 3 : 1);
            int end = at + method.getValue();
            while (at < end) {
                instruction(small, large);
            }
            require(at == end, "code ends inside an instruction");
        }
        end("Method");
        open(9);
        require(locations().equals(new ArrayList<>(small)), "1-byte locations");
        require(locations().equals(new ArrayList<>(large)), "2-byte locations");
        end("RefLocation");
    }

    private void instruction(TreeSet<Integer> small, TreeSet<Integer> large) {
        int start = at;
        int op = u1();
        require(op < OPERAND_BYTES.length, "opcode " + op);
        if (op >= 115 && op <= 118) {
            switchInstruction(op);
            return;
        }
        boolean fieldByte = op >= 131 && op <= 138 || op >= 173 && op <= 176 || op >= 181 && op <= 184;
        boolean fieldShort = op >= 169 && op <= 172 || op >= 177 && op <= 180;
        boolean shortIndex = op >= 123 && op <= 130 || op >= 139 && op <= 141 || op == 143 || op == 145 || fieldShort;
        if (fieldByte) {
            small.add(start + 1);
        } else if (shortIndex) {
            large.add(start + 1);
        } else if (op == 142) {
            large.add(start + 2);
        } else if (op == 148 || op == 149) {
            int type = data[start + 1];
            if (type == 0 || type == 14) {
                large.add(start + 2);
            }
        }
        skip(OPERAND_BYTES[op]);
    }

    private void switchInstruction(int op) {
        int width = op % 2 == 1 ? 2 : 4;
        skip(2);
        if (op >= 117) {
            skip(u2() * (width + 2));
            return;
        }
        int low = width == 2 ? (short) u2() : u2() << 16 | u2();
        int high = width == 2 ? (short) u2() : u2() << 16 | u2();
        skip(2 * (high - low + 1));
    }

    private List<Integer> locations() {
        List<Integer> places = new ArrayList<>();
        int place = 0;
        for (int count = u2(); count > 0; count--) {
            int delta = u1();
            place += delta;
            if (delta != 255) {
                places.add(place);
            }
        }
        return places;
    }

    private void export() {
        if (open(10)) {
            for (int count = u1(); count > 0; count--) {
                require(classStarts.contains(u2()), "exported class");
                int fields = u1();
                int methods = u1();
                skip(2 * fields);
                for (; methods > 0; methods--) {
                    require(methodLengths.containsKey(u2()), "exported method");
                }
            }
            end("Export");
        }
    }

    private static int[] operandBytes() {
        int[] bytes = new int[185];
        set(bytes, 1, 16, 18, 21, 22, 23, 40, 41, 42, 63, 64, 114, 144);
        set(bytes, 2, 17, 19, 89, 90, 113, 139, 140, 141, 143, 145, 168);
        set(bytes, 3, 148, 149, 150, 151);
        set(bytes, 4, 20, 142);
        range(bytes, 96, 112, 1);
        range(bytes, 123, 130, 2);
        range(bytes, 131, 138, 1);
        range(bytes, 152, 167, 2);
        range(bytes, 169, 172, 2);
        range(bytes, 173, 176, 1);
        range(bytes, 177, 180, 2);
        range(bytes, 181, 184, 1);
        return bytes;
    }

    private static void set(int[] bytes, int value, int... opcodes) {
        for (int opcode : opcodes) {
            bytes[opcode] = value;
        }
    }

    private static void range(int[] bytes, int first, int last, int value) {
        Arrays.fill(bytes, first, last + 1, value);
    }
}

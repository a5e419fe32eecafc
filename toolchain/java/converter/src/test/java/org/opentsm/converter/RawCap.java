// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/**
 * An independent reader: takes the zip apart with no code of the CAP model, checks every size and reference it meets
 * and recomputes RefLocation.
 */
final class RawCap {
    /** Operand letters by opcode 0 to 184; T and L are the switches. */
    private static final String[] OPERANDS = new String[185];

    static {
        fill(0, 15, "");
        fill(16, 16, "b");
        fill(17, 17, "s");
        fill(18, 18, "b");
        fill(19, 19, "s");
        fill(20, 20, "i");
        fill(21, 23, "u");
        fill(24, 39, "");
        fill(40, 42, "u");
        fill(43, 62, "");
        fill(63, 64, "u");
        fill(65, 88, "");
        fill(89, 90, "ub");
        fill(91, 95, "");
        fill(96, 112, "r");
        fill(113, 113, "R");
        fill(114, 114, "u");
        fill(115, 116, "T");
        fill(117, 118, "L");
        fill(119, 122, "");
        fill(123, 130, "C");
        fill(131, 138, "c");
        fill(139, 141, "C");
        fill(142, 142, "uCu");
        fill(143, 143, "C");
        fill(144, 144, "u");
        fill(145, 145, "C");
        fill(146, 147, "");
        fill(148, 149, "uC");
        fill(150, 151, "us");
        fill(152, 168, "R");
        fill(169, 172, "C");
        fill(173, 176, "c");
        fill(177, 180, "C");
        fill(181, 184, "c");
    }

    private static void fill(int from, int to, String operands) {
        for (int i = from; i <= to; i++) {
            OPERANDS[i] = operands;
        }
    }

    record Handler(int start, int end, boolean stop, int target, int type) {}

    record Method(
            int token,
            int flags,
            int offset,
            int code,
            int length,
            int type,
            int maxStack,
            int nargs,
            int maxLocals,
            int handlerIndex,
            int handlerCount) {
        boolean isAbstract() {
            return (flags & 0x40) != 0;
        }
    }

    record Interface(int ref, int[] index) {}

    /** A class_info or interface_info. */
    static final class Type {
        int offset;
        int flags;
        boolean isInterface;
        int superRef = -1;
        int size;
        int firstReference;
        int references;
        int publicBase;
        int[] publicTable = {};
        int packageBase;
        int[] packageTable = {};
        final List<Integer> superinterfaces = new ArrayList<>();
        final List<Interface> interfaces = new ArrayList<>();
        int token;
        int descriptorFlags;
        final List<Method> methods = new ArrayList<>();
        final List<int[]> fields = new ArrayList<>();
    }

    final Map<String, byte[]> parts = new TreeMap<>();
    int version;
    int headerFlags;
    final List<String> imports = new ArrayList<>();
    final List<int[]> pool = new ArrayList<>();
    final Map<Integer, Type> types = new TreeMap<>();
    final List<Handler> handlers = new ArrayList<>();
    byte[] method;
    int imageSize;
    int referenceCount;
    final List<int[]> arrayInits = new ArrayList<>();
    byte[] initialValues;
    byte[] staticInfo;
    final Map<Integer, Method> methodAt = new TreeMap<>();
    List<Integer> cpTypes = new ArrayList<>();
    byte[] typeData;

    private byte[] in;
    private int at;
    private String part;

    RawCap(byte[] zip) {
        unzip(zip);
        header();
        imports();
        pool();
        staticFields();
        handlerTable();
        classes();
        descriptor();
        directory();
        if (parts.containsKey("Applet")) {
            applets();
        }
        if (parts.containsKey("Export")) {
            exports();
        }
        references();
    }

    byte[] info(String name) {
        byte[] whole = parts.get(name);
        byte[] info = new byte[whole.length - 3];
        System.arraycopy(whole, 3, info, 0, info.length);
        return info;
    }

    private void unzip(byte[] zip) {
        try (ZipInputStream stream = new ZipInputStream(new ByteArrayInputStream(zip))) {
            for (ZipEntry entry = stream.getNextEntry(); entry != null; entry = stream.getNextEntry()) {
                String name = entry.getName();
                if (name.endsWith(".cap")) {
                    assertTrue(name.contains("/javacard/"), name);
                    parts.put(name.substring(name.lastIndexOf('/') + 1, name.length() - 4), stream.readAllBytes());
                }
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        String[] names = {
            "Header",
            "Directory",
            "Applet",
            "Import",
            "ConstantPool",
            "Class",
            "Method",
            "StaticField",
            "RefLocation",
            "Export",
            "Descriptor",
            "Debug"
        };
        for (int i = 0; i < names.length; i++) {
            byte[] bytes = parts.get(names[i]);
            if (bytes != null) {
                assertEquals(i + 1, bytes[0] & 0xFF, names[i] + " tag");
                assertEquals(bytes.length - 3, (bytes[1] & 0xFF) << 8 | bytes[2] & 0xFF, names[i] + " size");
            }
        }
    }

    private void open(String name) {
        part = name;
        assertTrue(parts.containsKey(name), name + " is missing");
        in = info(name);
        at = 0;
    }

    private int u1() {
        assertTrue(at < in.length, part + " ends early");
        return in[at++] & 0xFF;
    }

    private int u2() {
        return u1() << 8 | u1();
    }

    private String aid() {
        int length = u1();
        assertTrue(length >= 5 && length <= 16, "AID length " + length);
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < length; i++) {
            text.append(String.format("%02X", u1()));
        }
        return text.toString();
    }

    private void end() {
        assertEquals(in.length, at, part + " has bytes left over");
    }

    private void header() {
        open("Header");
        assertEquals(0xDECAFFED, u2() << 16 | u2());
        int minor = u1();
        version = u1() * 10 + minor;
        headerFlags = u1();
        u2();
        aid();
        if (version > 21) {
            int length = u1();
            at += length;
        }
        end();
        assertEquals((headerFlags & 2) != 0, parts.containsKey("Export"));
        assertEquals((headerFlags & 4) != 0, parts.containsKey("Applet"));
    }

    private void imports() {
        open("Import");
        int count = u1();
        for (int i = 0; i < count; i++) {
            int minor = u1();
            int major = u1();
            imports.add(aid() + " " + major + "." + minor);
        }
        end();
    }

    private void pool() {
        open("ConstantPool");
        int count = u2();
        for (int i = 0; i < count; i++) {
            int tag = u1();
            assertTrue(tag >= 1 && tag <= 6, "pool tag " + tag);
            pool.add(new int[] {tag, u1() << 16 | u1() << 8 | u1()});
        }
        end();
    }

    private void staticFields() {
        open("StaticField");
        staticInfo = in;
        imageSize = u2();
        referenceCount = u2();
        int arrays = u2();
        for (int i = 0; i < arrays; i++) {
            int type = u1();
            int length = u2();
            int[] values = new int[length + 1];
            values[0] = type;
            for (int k = 0; k < length; k++) {
                values[k + 1] = u1();
            }
            arrayInits.add(values);
        }
        int defaults = u2();
        int count = u2();
        initialValues = new byte[count];
        for (int i = 0; i < count; i++) {
            initialValues[i] = (byte) u1();
        }
        end();
        assertEquals(imageSize, 2 * referenceCount + defaults + count);
        assertTrue(arrays <= referenceCount);
    }

    private void handlerTable() {
        open("Method");
        method = in;
        int count = u1();
        for (int i = 0; i < count; i++) {
            int start = u2();
            int bits = u2();
            handlers.add(new Handler(start, start + (bits & 0x7FFF), (bits & 0x8000) != 0, u2(), u2()));
        }
    }

    private void classes() {
        open("Class");
        if (version > 21) {
            assertEquals(0, u2(), "signature pool");
        }
        boolean classesBegan = false;
        while (at < in.length) {
            Type type = new Type();
            type.offset = at;
            int head = u1();
            type.flags = head >> 4;
            type.isInterface = (type.flags & 8) != 0;
            if (type.isInterface) {
                assertTrue(!classesBegan, "an interface behind a class");
                for (int i = 0; i < (head & 15); i++) {
                    type.superinterfaces.add(earlier(u2()));
                }
            } else {
                classesBegan = true;
                readClass(type, head & 15);
            }
            types.put(type.offset, type);
        }
        end();
    }

    /** Internal references point to entries already read. */
    private int earlier(int ref) {
        assertTrue(ref >= 0x8000 || types.containsKey(ref), "reference to a later class " + ref);
        return ref;
    }

    private void readClass(Type type, int interfaceCount) {
        type.superRef = earlier(u2());
        type.size = u1();
        type.firstReference = u1();
        type.references = u1();
        type.publicBase = u1();
        int publicCount = u1();
        type.packageBase = u1();
        int packageCount = u1();
        type.publicTable = table(publicCount);
        type.packageTable = table(packageCount);
        for (int i = 0; i < interfaceCount; i++) {
            int ref = earlier(u2());
            int[] index = new int[u1()];
            for (int k = 0; k < index.length; k++) {
                index[k] = u1();
            }
            type.interfaces.add(new Interface(ref, index));
        }
        if (version == 23) {
            int count = type.publicBase + publicCount;
            for (int i = 0; i < count; i++) {
                assertEquals(i, u1());
            }
            assertEquals(count, u1());
        }
    }

    private int[] table(int count) {
        int[] result = new int[count];
        for (int i = 0; i < count; i++) {
            result[i] = u2();
        }
        return result;
    }

    private void descriptor() {
        open("Descriptor");
        int count = u1();
        assertEquals(types.size(), count);
        List<Integer> order = new ArrayList<>(types.keySet());
        for (int i = 0; i < count; i++) {
            int token = u1();
            int flags = u1();
            int ref = u2();
            assertEquals(order.get(i), ref, "Descriptor order");
            Type type = types.get(ref);
            type.token = token;
            type.descriptorFlags = flags;
            describe(type);
        }
        int types2 = at;
        int cpCount = u2();
        assertEquals(pool.size(), cpCount);
        for (int i = 0; i < cpCount; i++) {
            cpTypes.add(u2());
            assertEquals(pool.get(i)[0] == 1, cpTypes.get(i) == 0xFFFF);
        }
        typeData = java.util.Arrays.copyOfRange(in, types2, in.length);
        for (Type type : types.values()) {
            for (Method m : type.methods) {
                if (!type.isInterface) {
                    methodAt.put(m.offset, m);
                    assertEquals(m.nargs, parameterCells(m.type) + ((m.flags & 8) == 0 ? 1 : 0), "nargs");
                }
            }
        }
        checkContiguous();
    }

    private void describe(Type type) {
        int interfaceCount = u1();
        int fieldCount = u2();
        int methodCount = u2();
        for (int i = 0; i < interfaceCount; i++) {
            u2();
        }
        for (int i = 0; i < fieldCount; i++) {
            type.fields.add(new int[] {u1(), u1(), u1() << 16 | u2(), u2()});
        }
        for (int i = 0; i < methodCount; i++) {
            int token = u1();
            int flags = u1();
            int offset = u2();
            int typeOffset = u2();
            int length = u2();
            int handlerCount = u2();
            int handlerIndex = u2();
            if (type.isInterface) {
                type.methods.add(new Method(token, flags, 0, 0, 0, typeOffset, 0, 0, 0, 0, 0));
                continue;
            }
            int first = method[offset] & 0xFF;
            boolean extended = (first & 0x80) != 0;
            assertEquals((flags & 0x40) != 0, (first & 0x40) != 0, "abstract flag");
            int second = method[offset + 1] & 0xFF;
            type.methods.add(
                    extended
                            ? new Method(
                                    token,
                                    flags,
                                    offset,
                                    offset + 4,
                                    length,
                                    typeOffset,
                                    second,
                                    method[offset + 2] & 0xFF,
                                    method[offset + 3] & 0xFF,
                                    handlerIndex,
                                    handlerCount)
                            : new Method(
                                    token,
                                    flags,
                                    offset,
                                    offset + 2,
                                    length,
                                    typeOffset,
                                    first & 15,
                                    second >> 4,
                                    second & 15,
                                    handlerIndex,
                                    handlerCount));
        }
    }

    /** Nibbles of the type at an offset. */
    String type(int offset) {
        int count = typeData[offset] & 0xFF;
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < count; i++) {
            int b = typeData[offset + 1 + i / 2] & 0xFF;
            text.append(Integer.toHexString(i % 2 == 0 ? b >> 4 : b & 15));
        }
        return text.toString();
    }

    private int parameterCells(int offset) {
        String nibbles = type(offset);
        List<Character> kinds = new ArrayList<>();
        for (int i = 0; i < nibbles.length(); i++) {
            char kind = nibbles.charAt(i);
            kinds.add(kind);
            i += kind == '6' || kind == 'e' ? 4 : 0;
        }
        int cells = 0;
        for (char kind : kinds.subList(0, kinds.size() - 1)) {
            cells += kind == '5' ? 2 : 1;
        }
        return cells;
    }

    private void checkContiguous() {
        int next = 1 + 8 * handlers.size();
        for (Method m : methodAt.values()) {
            assertEquals(next, m.offset, "methods have a gap");
            next = m.code + m.length;
        }
        assertEquals(method.length, next, "bytes behind the last method");
    }

    private void directory() {
        open("Directory");
        String[] names = {
            "Header",
            "Directory",
            "Applet",
            "Import",
            "ConstantPool",
            "Class",
            "Method",
            "StaticField",
            "RefLocation",
            "Export",
            "Descriptor",
            "Debug"
        };
        int sizes = version == 21 ? 11 : 12;
        for (int i = 0; i < sizes; i++) {
            byte[] bytes = parts.get(names[i]);
            assertEquals(bytes == null ? 0 : bytes.length - 3, u2(), "Directory size of " + names[i]);
        }
        if (version == 23) {
            u2();
            u2();
        }
        assertEquals(imageSize, u2());
        assertEquals(arrayInits.size(), u2());
        assertEquals(arrayInits.stream().mapToInt(a -> a.length - 1).sum(), u2());
        assertEquals(imports.size(), u1());
        int applets = u1();
        assertEquals(applets > 0, parts.containsKey("Applet"));
        assertEquals(0, u1());
        end();
    }

    private void applets() {
        open("Applet");
        int count = u1();
        for (int i = 0; i < count; i++) {
            aid();
            Method install = methodAt.get(u2());
            assertEquals("b431", type(install.type));
            assertEquals(9, install.flags & 9);
        }
        end();
    }

    private void exports() {
        open("Export");
        int count = u1();
        for (int i = 0; i < count; i++) {
            Type type = types.get(u2());
            assertEquals(i, type.token, "Export index is the class token");
            int fields = u1();
            int methods = u1();
            for (int k = 0; k < fields; k++) {
                int token = k;
                int offset = u2();
                assertTrue(type.fields.stream().anyMatch(f -> f[0] == token && f[2] == offset));
            }
            for (int k = 0; k < methods; k++) {
                int token = k;
                int offset = u2();
                assertTrue(type.methods.stream()
                        .anyMatch(m -> m.token == token && m.offset == offset && (m.flags & 0x88) != 0));
            }
        }
        end();
    }

    /** Recomputes the places of all constant pool indexes and compares. */
    private void references() {
        TreeSet<Integer> bytePlaces = new TreeSet<>();
        TreeSet<Integer> byte2Places = new TreeSet<>();
        for (int i = 0; i < handlers.size(); i++) {
            if (handlers.get(i).type != 0) {
                byte2Places.add(1 + 8 * i + 6);
            }
        }
        for (Method m : methodAt.values()) {
            for (int pc = m.code; pc < m.code + m.length; pc += length(pc)) {
                int op = method[pc] & 0xFF;
                String operands = OPERANDS[op];
                if (operands.equals("c")) {
                    bytePlaces.add(pc + 1);
                } else if (operands.contains("C")
                        && !(op / 2 == 74 && (method[pc + 1] & 0xFF) >= 10 && (method[pc + 1] & 0xFF) <= 13)) {
                    byte2Places.add(pc + 1 + operands.indexOf('C'));
                }
            }
        }
        open("RefLocation");
        assertEquals(new ArrayList<>(bytePlaces), deltas());
        assertEquals(new ArrayList<>(byte2Places), deltas());
        end();
    }

    private List<Integer> deltas() {
        int end = u2() + at;
        List<Integer> result = new ArrayList<>();
        int place = 0;
        while (at < end) {
            int delta = u1();
            place += delta;
            if (delta != 255) {
                result.add(place);
            }
        }
        assertEquals(end, at);
        return result;
    }

    int s1(int pc) {
        return method[pc];
    }

    int u1(int pc) {
        return method[pc] & 0xFF;
    }

    int s2(int pc) {
        return method[pc] << 8 | method[pc + 1] & 0xFF;
    }

    int u2(int pc) {
        return s2(pc) & 0xFFFF;
    }

    int s4(int pc) {
        return s2(pc) << 16 | u2(pc + 2);
    }

    static String operands(int op) {
        assertTrue(op < OPERANDS.length, "opcode " + op);
        return OPERANDS[op];
    }

    /** Length of the instruction at a place of the Method info. */
    int length(int pc) {
        int op = u1(pc);
        String operands = operands(op);
        if (operands.equals("T")) {
            int width = op == 116 ? 4 : 2;
            int low = width == 4 ? s4(pc + 3) : s2(pc + 3);
            int high = width == 4 ? s4(pc + 7) : s2(pc + 5);
            return 3 + 2 * width + 2 * (high - low + 1);
        }
        if (operands.equals("L")) {
            return 5 + u2(pc + 3) * (op == 118 ? 6 : 4);
        }
        int length = 1;
        for (char letter : operands.toCharArray()) {
            length += "burc".indexOf(letter) >= 0 ? 1 : letter == 'i' ? 4 : 2;
        }
        return length;
    }
}

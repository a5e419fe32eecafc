// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap.exp;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.opentsm.cap.Aid;
import org.opentsm.cap.ByteReader;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.exp.ExportFile.ClassName;
import org.opentsm.cap.exp.ExportFile.ConstantPoolEntry;
import org.opentsm.cap.exp.ExportFile.ConstantValue;
import org.opentsm.cap.exp.ExportFile.ExportClass;
import org.opentsm.cap.exp.ExportFile.ExportField;
import org.opentsm.cap.exp.ExportFile.ExportMethod;
import org.opentsm.cap.exp.ExportFile.IntegerConstant;
import org.opentsm.cap.exp.ExportFile.NameRef;
import org.opentsm.cap.exp.ExportFile.PackageEntry;
import org.opentsm.cap.exp.ExportFile.Utf8;

/** Reads an export file to its last byte. */
final class ExportReader {
    private static final String PART = "export file";
    private final ByteReader in;
    private final List<ConstantPoolEntry> pool = new ArrayList<>();
    private boolean withCounts;

    private ExportReader(byte[] bytes) {
        in = new ByteReader(PART, bytes);
    }

    static ExportFile read(byte[] bytes) {
        return new ExportReader(bytes).readFile();
    }

    private ExportFile readFile() {
        int magic = in.s4();
        if (magic != ExportFile.MAGIC) {
            throw new CapFormatException(PART, 0, "magic 00FACADE", String.format("%08X", magic));
        }
        int minor = in.u1();
        int major = in.u1();
        if (major != 2 || minor < 1 || minor > 3) {
            throw new CapFormatException(PART, 4, "format 2.1, 2.2 or 2.3", major + "." + minor);
        }
        withCounts = minor == 3;
        int poolCount = in.u2();
        for (int i = 0; i < poolCount; i++) {
            pool.add(readEntry());
        }
        int thisPackage = in.u2();
        text(entry(thisPackage, PackageEntry.class).nameIndex());
        Optional<List<Integer>> referenced = withCounts ? Optional.of(in.u2s(in.u2())) : Optional.empty();
        referenced.ifPresent(list -> list.forEach(index -> entry(index, PackageEntry.class)));
        int classCount = in.u1();
        List<ExportClass> classes = new ArrayList<>();
        for (int i = 0; i < classCount; i++) {
            classes.add(readClass());
        }
        in.expectEnd();
        return new ExportFile(major, minor, pool, thisPackage, referenced, classes);
    }

    private ConstantPoolEntry readEntry() {
        int at = in.position();
        int tag = in.u1();
        return switch (tag) {
            case 1 -> new Utf8(in.bytes(in.u2()));
            case 3 -> new IntegerConstant(in.s4());
            case 7 -> new ClassName(in.u2());
            case 13 -> new PackageEntry(in.u1(), in.u2(), in.u1(), in.u1(), new Aid(in.bytes(in.u1())));
            default -> throw new CapFormatException(PART, at, "constant pool tag 1, 3, 7 or 13", String.valueOf(tag));
        };
    }

    private ExportClass readClass() {
        int token = in.u1();
        int flags = in.u2();
        NameRef name = className(in.u2());
        List<NameRef> supers = classNames(in.u2());
        List<NameRef> interfaces = classNames(in.u1());
        int fieldCount = in.u2();
        List<ExportField> fields = new ArrayList<>();
        for (int i = 0; i < fieldCount; i++) {
            fields.add(readField());
        }
        int methodCount = in.u2();
        List<ExportMethod> methods = new ArrayList<>();
        for (int i = 0; i < methodCount; i++) {
            methods.add(new ExportMethod(in.u1(), in.u2(), textRef(in.u2()), textRef(in.u2())));
        }
        return new ExportClass(token, flags, name, supers, interfaces, fields, methods, withCounts ? in.u1() : -1);
    }

    private ExportField readField() {
        int token = in.u1();
        int flags = in.u2();
        NameRef name = textRef(in.u2());
        NameRef descriptor = textRef(in.u2());
        int count = in.u2();
        List<ConstantValue> attributes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            NameRef attribute = textRef(in.u2());
            int at = in.position();
            int length = in.s4();
            if (length != 2) {
                throw new CapFormatException(PART, at, "attribute length 2", String.valueOf(length));
            }
            int index = in.u2();
            attributes.add(new ConstantValue(
                    attribute, index, entry(index, IntegerConstant.class).value()));
        }
        return new ExportField(token, flags, name, descriptor, attributes);
    }

    private List<NameRef> classNames(int count) {
        List<NameRef> names = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            names.add(className(in.u2()));
        }
        return names;
    }

    private NameRef className(int index) {
        return new NameRef(index, text(entry(index, ClassName.class).nameIndex()));
    }

    private NameRef textRef(int index) {
        return new NameRef(index, text(index));
    }

    private String text(int index) {
        return entry(index, Utf8.class).text();
    }

    private <T extends ConstantPoolEntry> T entry(int index, Class<T> type) {
        if (index >= pool.size() || !type.isInstance(pool.get(index))) {
            throw new CapFormatException(
                    PART, in.position(), "a constant pool index of " + type.getSimpleName(), String.valueOf(index));
        }
        return type.cast(pool.get(index));
    }
}

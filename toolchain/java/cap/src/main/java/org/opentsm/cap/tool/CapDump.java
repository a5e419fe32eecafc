// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap.tool;

import java.io.IOException;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeMap;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.ClassComponent;
import org.opentsm.cap.ClassComponent.ClassInfo;
import org.opentsm.cap.ClassComponent.InterfaceInfo;
import org.opentsm.cap.Component;
import org.opentsm.cap.ComponentTag;
import org.opentsm.cap.ConstantPoolComponent.Entry;
import org.opentsm.cap.DescriptorComponent.ClassDescriptor;
import org.opentsm.cap.DescriptorComponent.FieldDescriptor;
import org.opentsm.cap.DescriptorComponent.MethodDescriptor;
import org.opentsm.cap.HeaderComponent;
import org.opentsm.cap.StaticFieldComponent;
import org.opentsm.cap.exp.ExportFileProvider;

/** Prints a CAP: all components, disassembled methods, and where each constant is used. */
public final class CapDump {
    private final CapFile cap;
    private final Appendable out;
    private final Names names;

    private CapDump(CapFile cap, ExportFileProvider exports, Appendable out) {
        this.cap = cap;
        this.out = out;
        this.names = new Names(cap, exports);
    }

    /**
     * Prints everything.
     *
     * @param exports names imported classes and members; what it does not know is printed by token
     */
    public static void dump(CapFile cap, ExportFileProvider exports, Appendable out) throws IOException {
        new CapDump(cap, exports, out).all();
    }

    private void line(String format, Object... values) throws IOException {
        out.append(String.format(format, values)).append('\n');
    }

    private void head(ComponentTag tag) throws IOException {
        Component component = cap.component(tag).orElseThrow();
        line("\n%s (%d bytes)", tag.fileName(), component.info().length);
    }

    private void all() throws IOException {
        header();
        imports();
        if (cap.applet().isPresent()) {
            head(ComponentTag.APPLET);
            for (var applet : cap.applet().get().applets()) {
                line("  %s install %s", applet.aid(), names.methodName(applet.installOffset()));
            }
        }
        Disassembler disassembler = new Disassembler(cap, names);
        constants(disassembler.uses());
        classes();
        staticFields();
        export();
        head(ComponentTag.REFERENCE_LOCATION);
        line(
                "  %d 1-byte indexes, %d 2-byte indexes",
                cap.referenceLocations().bytePositions().size(),
                cap.referenceLocations().byte2Positions().size());
        head(ComponentTag.METHOD);
        disassembler.print(out);
        for (ComponentTag tag : List.of(ComponentTag.DESCRIPTOR, ComponentTag.DEBUG, ComponentTag.STATIC_RESOURCES)) {
            if (cap.component(tag).isPresent()) {
                head(tag);
            }
        }
        for (var custom : cap.customs()) {
            line("\nunknown component %02X (%d bytes)", custom.tag(), custom.bytes().length);
        }
    }

    private void header() throws IOException {
        HeaderComponent header = cap.header();
        line(
                "CAP %s package %s%s",
                header.version(),
                header.packageInfo(),
                header.packageName().map(name -> " " + name).orElse(""));
        String flags = ((header.flags() & HeaderComponent.ACC_INT) != 0 ? " ACC_INT" : "")
                + ((header.flags() & HeaderComponent.ACC_EXPORT) != 0 ? " ACC_EXPORT" : "")
                + ((header.flags() & HeaderComponent.ACC_APPLET) != 0 ? " ACC_APPLET" : "");
        line("  flags %02X%s", header.flags(), flags);
    }

    private void imports() throws IOException {
        head(ComponentTag.IMPORT);
        for (int i = 0; i < cap.imports().packages().size(); i++) {
            line("  %d: %s %s", i, cap.imports().packages().get(i), names.importName(i));
        }
    }

    private void constants(TreeMap<Integer, List<String>> uses) throws IOException {
        head(ComponentTag.CONSTANT_POOL);
        List<Entry> entries = cap.constantPool().entries();
        for (int i = 0; i < entries.size(); i++) {
            List<String> users = uses.getOrDefault(i, List.of());
            String list = users.isEmpty()
                    ? "unused"
                    : String.join(" ", users.subList(0, Math.min(users.size(), 8))) + (users.size() > 8 ? " ..." : "");
            line("  %d: %s %s  <- %s", i, entries.get(i).kind(), names.constant(entries.get(i)), list);
        }
    }

    private void classes() throws IOException {
        head(ComponentTag.CLASS);
        List<Integer> offsets = cap.classes().offsets();
        for (int i = 0; i < offsets.size(); i++) {
            ClassComponent.Entry entry = cap.classes().entries().get(i);
            String shareable = entry.isShareable() ? " shareable" : "";
            if (entry instanceof InterfaceInfo info) {
                line(
                        "  @%04X interface %s%s extends %s",
                        offsets.get(i),
                        names.className(offsets.get(i)),
                        shareable,
                        info.superinterfaces().stream().map(names::className).toList());
            } else if (entry instanceof ClassInfo info) {
                line(
                        "  @%04X class %s%s extends %s",
                        offsets.get(i), names.className(offsets.get(i)), shareable, names.className(info.superclass()));
                line(
                        "    %d cells, %d references from token %d",
                        info.instanceSize(), info.referenceCount(), info.firstReferenceToken());
                table("virtual", info.publicBase(), info.publicTable());
                table("package", info.packageBase(), info.packageTable());
                for (var implemented : info.interfaces()) {
                    line("    implements %s %s", names.className(implemented.classRef()), implemented.index());
                }
            }
            members(offsets.get(i));
        }
    }

    private void table(String kind, int base, List<Integer> table) throws IOException {
        for (int i = 0; i < table.size(); i++) {
            line(
                    "    %s %d: %s",
                    kind,
                    base + i,
                    table.get(i) == 0xFFFF ? "inherited from another package" : names.methodName(table.get(i)));
        }
    }

    private void members(int offset) throws IOException {
        if (cap.descriptor().isEmpty()) {
            return;
        }
        for (ClassDescriptor item : cap.descriptor().get().classes()) {
            if (item.classRef() != offset) {
                continue;
            }
            for (FieldDescriptor field : item.fields()) {
                String type = (field.type() & 0x8000) != 0
                        ? primitive(field.type() & 0xF)
                        : names.type(field.type()).replace("() ", "");
                String place = field.isStatic()
                        ? names.staticField(field.imageOffset())
                        : names.cell(offset, field.ref() & 0xFF);
                line("    field %s %s token %s%s", place, type, token(field.token()), Flags.member(field.flags()));
            }
            for (MethodDescriptor method : item.methods()) {
                if (item.isInterface()) {
                    line("    method %d %s", method.token(), names.type(method.typeOffset()));
                }
            }
        }
    }

    static String token(int token) {
        return token == 0xFF ? "-" : String.valueOf(token);
    }

    private static String primitive(int nibble) {
        return org.opentsm.cap.TypeDescriptor.Type.of(nibble).toString();
    }

    private void staticFields() throws IOException {
        StaticFieldComponent image = cap.staticFields();
        head(ComponentTag.STATIC_FIELD);
        line(
                "  image %d bytes: %d references, %d default bytes, %d initial bytes",
                image.imageSize(), image.referenceCount(), image.defaultValueCount(), image.nonDefaultValues().length);
        HexFormat hex = HexFormat.of().withUpperCase();
        for (int i = 0; i < image.arrayInits().size(); i++) {
            line(
                    "  @%04X array of type %d: %s",
                    2 * i,
                    image.arrayInits().get(i).type(),
                    hex.formatHex(image.arrayInits().get(i).values()));
        }
        if (image.nonDefaultValues().length > 0) {
            line(
                    "  @%04X values %s",
                    2 * image.referenceCount() + image.defaultValueCount(), hex.formatHex(image.nonDefaultValues()));
        }
    }

    private void export() throws IOException {
        if (cap.export().isEmpty()) {
            return;
        }
        head(ComponentTag.EXPORT);
        int token = 0;
        for (var item : cap.export().get().classes()) {
            line(
                    "  %d: %s static fields %s static methods %s",
                    token++,
                    names.className(item.classOffset()),
                    item.fieldOffsets(),
                    item.methodOffsets().stream().map(names::methodName).toList());
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.objectweb.asm.Opcodes;
import org.opentsm.cap.ByteWriter;
import org.opentsm.cap.ComponentTag;
import org.opentsm.cap.RawComponent;

/**
 * Makes the Debug component: {@code u2 string_count; {u2 length; utf8}[]; u2 package_name_index; u2 class_count;
 * class_debug_info[]} with names, places, variables and line ranges of every class, field and method.
 */
final class DebugBuilder {
    private static final int ACCESS = 0x63F;
    private final CapAssembler places;
    private final World world;
    private final Map<String, Integer> strings = new LinkedHashMap<>();
    private final ByteWriter body = new ByteWriter();

    DebugBuilder(CapAssembler places, World world) {
        this.places = places;
        this.world = world;
    }

    RawComponent build(List<LinkedClass> classes) {
        body.u2(string(world.packageName())).u2(classes.size());
        classes.forEach(this::add);
        ByteWriter info = new ByteWriter().u2(strings.size());
        for (String text : strings.keySet()) {
            byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
            info.u2(utf8.length).bytes(utf8);
        }
        byte[] bytes = info.bytes(body.toByteArray()).toByteArray();
        if (bytes.length > 0xFFFF) {
            throw new ConversionException(
                    0,
                    "the Debug component needs " + bytes.length + " bytes, more than 65535;"
                            + " convert without debug");
        }
        int tag = ComponentTag.DEBUG.value();
        return new RawComponent(
                tag, new ByteWriter().u1(tag).u2(bytes.length).bytes(bytes).toByteArray());
    }

    private int string(String text) {
        Integer index = strings.putIfAbsent(text, strings.size());
        return index == null ? strings.size() - 1 : index;
    }

    private void add(LinkedClass c) {
        List<LinkedClass> interfaces = world.interfacesOf(c);
        List<Member> methods =
                c.methods.values().stream().filter(m -> !m.isClassInitializer()).toList();
        body.u2(string(c.name)).u2(c.access & ACCESS).u2(places.classOffset(c));
        body.u2(string(c.superName == null ? "" : c.superName));
        body.u2(string(c.node.sourceFile == null ? "" : c.node.sourceFile));
        body.u1(interfaces.size()).u2(c.fields.size()).u2(methods.size());
        interfaces.forEach(item -> body.u2(string(item.name)));
        c.fields.values().forEach(this::addField);
        methods.forEach(this::addMethod);
    }

    /** Contents: constant value, image offset in the low two bytes, or token in the last byte. */
    private void addField(Member field) {
        body.u2(string(field.name)).u2(string(field.descriptor)).u2(field.access & ACCESS);
        if (field.constant != null) {
            body.s4(field.constant);
        } else if (field.isStatic()) {
            body.s4(places.imageOffset(field));
        } else {
            body.s4(field.token);
        }
    }

    private void addMethod(Member method) {
        body.u2(string(method.name)).u2(string(method.descriptor)).u2(method.access & ACCESS);
        MethodLayout layout = places.layout(method);
        if (layout == null || method.is(Opcodes.ACC_ABSTRACT)) {
            body.u2(layout == null ? 0 : places.methodOffset(method)).u1(layout == null ? 0 : layout.headerSize());
            body.u2(0).u2(0).u2(0);
            return;
        }
        List<int[]> lines = lines(layout);
        body.u2(places.methodOffset(method)).u1(layout.headerSize()).u2(layout.length());
        body.u2(layout.method().variables().size()).u2(lines.size());
        for (TranslatedMethod.Variable v : layout.method().variables()) {
            int start = layout.offsetOf(v.start());
            body.u1(v.cell()).u2(string(v.name())).u2(string(v.descriptor()));
            body.u2(start).u2(Math.max(0, layout.offsetOf(v.end()) - start));
        }
        for (int[] line : lines) {
            body.u2(line[0]).u2(line[1]).u2(line[2]);
        }
    }

    /** Runs of instructions of one source line: first offset, last offset, line. */
    private static List<int[]> lines(MethodLayout layout) {
        List<int[]> result = new ArrayList<>();
        int[] open = null;
        for (CapInsn insn : layout.method().code()) {
            if (insn.line == 0) {
                continue;
            }
            if (open == null || open[2] != insn.line) {
                open = new int[] {insn.offset, insn.offset, insn.line};
                result.add(open);
            } else {
                open[1] = insn.offset;
            }
        }
        for (int i = 0; i < result.size(); i++) {
            int end = i + 1 < result.size() ? result.get(i + 1)[0] : layout.length();
            result.get(i)[1] = Math.max(result.get(i)[0], end - 1);
        }
        return result;
    }
}

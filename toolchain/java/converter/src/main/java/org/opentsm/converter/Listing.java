// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.List;

/** A readable text of the result: classes with tokens, methods with their instructions and what they refer to. */
final class Listing {
    private final CapAssembler places;
    private final List<LinkedClass> classes;
    private final StringBuilder text = new StringBuilder();

    Listing(CapAssembler places, List<LinkedClass> classes) {
        this.places = places;
        this.classes = classes;
    }

    String text() {
        for (LinkedClass c : classes) {
            text.append(c.isInterface() ? "interface " : "class ")
                    .append(c)
                    .append(token(c.token))
                    .append(" {\n");
            c.fields.values().forEach(f -> text.append("  field ")
                    .append(f.name)
                    .append(' ')
                    .append(f.descriptor)
                    .append(f.constant != null ? " = " + f.constant : token(f.token))
                    .append('\n'));
            c.methods.values().stream().filter(m -> !m.isClassInitializer()).forEach(this::method);
            text.append("}\n");
        }
        return text.toString();
    }

    private static String token(int token) {
        return token == Member.NO_TOKEN ? "" : " /* token " + token + " */";
    }

    private void method(Member method) {
        text.append("  method ").append(method.name).append(method.descriptor).append(token(method.token));
        MethodLayout layout = places.layout(method);
        if (layout == null || layout.method().code().isEmpty()) {
            text.append(";\n");
            return;
        }
        text.append(String.format(" { // @%04X%n", places.methodOffset(method)).replace("\r", ""));
        for (CapInsn insn : layout.method().code()) {
            text.append("    ").append(insn.offset).append(": ");
            text.append(org.opentsm.cap.Opcodes.of(insn.op).orElseThrow().mnemonic());
            for (int operand : insn.operands) {
                text.append(' ').append(operand);
            }
            if (insn.reference != null) {
                Object named = insn.reference.member() != null ? insn.reference.member() : insn.reference.type();
                text.append(' ').append(named);
            }
            if (insn.target != null) {
                text.append(" -> ").append(layout.offsetOf(insn.target));
            }
            text.append('\n');
        }
        for (MethodLayout.Range range : layout.handlers()) {
            text.append("    catch ")
                    .append(range.type() == null ? "any" : range.type().type())
                    .append(" [")
                    .append(range.start())
                    .append(", ")
                    .append(range.end())
                    .append(") -> ")
                    .append(range.target())
                    .append('\n');
        }
        text.append("  }\n");
    }
}

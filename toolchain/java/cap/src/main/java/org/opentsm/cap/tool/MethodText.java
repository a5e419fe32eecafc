// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap.tool;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.ConstantPoolComponent;
import org.opentsm.cap.ConstantPoolComponent.Entry;
import org.opentsm.cap.DescriptorComponent.MethodDescriptor;
import org.opentsm.cap.Instruction;
import org.opentsm.cap.MethodComponent.Handler;
import org.opentsm.cap.MethodComponent.MethodInfo;
import org.opentsm.cap.TypeDescriptor;

/**
 * A method as lines that do not depend on where anything stands: branches go to instruction numbers, whatever their
 * width, and constants are told by what they refer to.
 */
final class MethodText {
    private final CodeShape shape;

    MethodText(CodeShape shape) {
        this.shape = shape;
    }

    /** @param methodName what a method at an offset is called */
    List<String> lines(MethodDescriptor method, Function<Integer, String> methodName) {
        List<String> lines = new ArrayList<>();
        lines.add("flags " + method.flags() + " token "
                + (method.isInit() || method.isStatic() ? method.token() : method.token() & 0x80) + " "
                + type(method.typeOffset()));
        try {
            MethodInfo info = shape.cap.methods().methodAt(method.methodOffset(), method.bytecodeCount());
            lines.add("stack " + info.maxStack() + " parameters " + info.nargs() + " locals " + info.maxLocals());
            List<Instruction> code = Instruction.decodeAll(info.code());
            Map<Integer, Integer> numbers = numbers(code, info.code().length);
            for (Instruction instruction : code) {
                lines.add(line(instruction, numbers, methodName));
            }
            List<Handler> handlers = shape.cap.methods().handlers();
            for (int i = 0; i < method.handlerCount() && method.handlerIndex() + i < handlers.size(); i++) {
                lines.add(handler(handlers.get(method.handlerIndex() + i), info.codeOffset(), numbers));
            }
        } catch (CapFormatException broken) {
            lines.add("broken: " + broken.getMessage());
        }
        return lines;
    }

    /** The static fields of our own that a method's instructions use, by instruction number. */
    Map<Integer, Integer> staticFields(MethodDescriptor method) {
        Map<Integer, Integer> found = new TreeMap<>();
        try {
            List<Instruction> code = Instruction.decodeAll(shape.cap
                    .methods()
                    .methodAt(method.methodOffset(), method.bytecodeCount())
                    .code());
            for (int i = 0; i < code.size(); i++) {
                int index = code.get(i).constantPoolIndex();
                Entry entry =
                        index < 0 || index >= shape.cap.constantPool().entries().size()
                                ? null
                                : shape.cap.constantPool().entries().get(index);
                if (entry != null && entry.tag() == ConstantPoolComponent.STATIC_FIELDREF && !entry.isExternal()) {
                    found.put(i, entry.offset());
                }
            }
        } catch (CapFormatException broken) {
            // lines() says so.
            return found;
        }
        return found;
    }

    private static Map<Integer, Integer> numbers(List<Instruction> code, int end) {
        Map<Integer, Integer> numbers = new TreeMap<>();
        code.forEach(instruction -> numbers.put(instruction.offset(), numbers.size()));
        numbers.put(end, numbers.size());
        return numbers;
    }

    private String handler(Handler handler, int codeOffset, Map<Integer, Integer> numbers) {
        return "catch " + (handler.catchTypeIndex() == 0 ? "any" : constant(handler.catchTypeIndex(), null)) + " from "
                + numbers.get(handler.start() - codeOffset) + " to " + numbers.get(handler.end() - codeOffset) + " at "
                + numbers.get(handler.handlerOffset() - codeOffset) + (handler.stop() ? " stop" : "");
    }

    private String line(Instruction instruction, Map<Integer, Integer> numbers, Function<Integer, String> methodName) {
        String mnemonic = instruction.opcode().mnemonic();
        String operands = instruction.opcode().operands();
        boolean isWide = mnemonic.endsWith("_w") && !mnemonic.contains("inc");
        StringBuilder line = new StringBuilder(isWide ? mnemonic.substring(0, mnemonic.length() - 2) : mnemonic);
        if (!instruction.targets().isEmpty()) {
            if (instruction.opcode().isSwitch()) {
                boolean table = mnemonic.endsWith("tableswitch");
                for (int i = table ? 1 : 2; i < instruction.operands().size(); i += 2) {
                    line.append(' ').append(table && i > 2 ? "" : instruction.operand(i));
                    if (table && i == 1) {
                        line.append("..").append(instruction.operand(2));
                        break;
                    }
                }
            }
            instruction.targets().forEach(target -> line.append(" ->").append(numbers.get(target)));
            return line.toString();
        }
        int index = instruction.constantPoolIndex();
        for (int i = 0; i < instruction.operands().size(); i++) {
            boolean isConstant = operands.charAt(i) == 'c' || operands.charAt(i) == 'C';
            boolean isPrimitive = operands.equals("uC") && instruction.operand(0) >= 10 && instruction.operand(0) <= 13;
            line.append(' ')
                    .append(
                            isConstant && !isPrimitive
                                    ? constant(index, methodName)
                                    : String.valueOf(instruction.operand(i)));
        }
        return line.toString();
    }

    private String constant(int index, Function<Integer, String> methodName) {
        List<Entry> entries = shape.cap.constantPool().entries();
        if (index >= entries.size()) {
            return "no constant";
        }
        Entry entry = entries.get(index);
        boolean isOwn = !entry.isExternal();
        return switch (entry.tag()) {
            case ConstantPoolComponent.CLASSREF -> "class " + shape.classMark(entry.classRef());
            case ConstantPoolComponent.STATIC_METHODREF -> isOwn ? methodName.apply(entry.offset()) : external(entry);
            case ConstantPoolComponent.STATIC_FIELDREF ->
                isOwn ? "static " + shape.fieldMark(entry.offset()) : external(entry);
            case ConstantPoolComponent.INSTANCE_FIELDREF ->
                "field " + shape.classMark(entry.classRef()) + "." + entry.token();
            case ConstantPoolComponent.SUPER_METHODREF ->
                "super " + shape.classMark(entry.classRef()) + " "
                        + shape.virtualMark(superclass(entry.classRef()), entry.token());
            default ->
                isOwn
                        ? "virtual " + shape.classMark(entry.classRef()) + " "
                                + shape.virtualMark(entry.classRef(), entry.token())
                        : external(entry);
        };
    }

    private int superclass(int classRef) {
        return shape.cap
                .classes()
                .at(classRef)
                .filter(entry -> !entry.isInterface())
                .map(entry -> ((org.opentsm.cap.ClassComponent.ClassInfo) entry).superclass())
                .orElse(org.opentsm.cap.ClassRef.NONE);
    }

    private String external(Entry entry) {
        return entry.kind() + " " + shape.classMark(entry.classRef()) + "." + entry.token();
    }

    private String type(int offset) {
        try {
            StringBuilder text = new StringBuilder();
            for (TypeDescriptor.Type type :
                    shape.cap.descriptor().orElseThrow().typeAt(offset).types()) {
                text.append(type.nibble())
                        .append(type.classRef() < 0 ? " " : "(" + shape.classMark(type.classRef()) + ") ");
            }
            return text.toString();
        } catch (CapFormatException broken) {
            return "no type";
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap.tool;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.DescriptorComponent.ClassDescriptor;
import org.opentsm.cap.DescriptorComponent.MethodDescriptor;
import org.opentsm.cap.Instruction;
import org.opentsm.cap.MethodComponent.Handler;
import org.opentsm.cap.MethodComponent.MethodInfo;

/** Methods as text; what does not decode is said and skipped. Method boundaries are Descriptor's. */
final class Disassembler {
    private final CapFile cap;
    private final Names names;
    private final Map<Integer, MethodDescriptor> methods = new TreeMap<>();

    Disassembler(CapFile cap, Names names) {
        this.cap = cap;
        this.names = names;
        cap.descriptor().ifPresent(descriptor -> {
            for (ClassDescriptor item : descriptor.classes()) {
                if (!item.isInterface()) {
                    item.methods().forEach(method -> methods.put(method.methodOffset(), method));
                }
            }
        });
    }

    /** Constant pool index to the places that use it, as "method+offset". */
    TreeMap<Integer, List<String>> uses() {
        TreeMap<Integer, List<String>> uses = new TreeMap<>();
        for (MethodDescriptor method : methods.values()) {
            try {
                MethodInfo info = cap.methods().methodAt(method.methodOffset(), method.bytecodeCount());
                for (Instruction instruction : Instruction.decodeAll(info.code())) {
                    boolean primitive = isPrimitiveTypeCheck(instruction);
                    if (instruction.constantPoolIndex() >= 0 && !primitive) {
                        uses.computeIfAbsent(instruction.constantPoolIndex(), key -> new ArrayList<>())
                                .add(names.methodName(method.methodOffset()) + "+" + instruction.offset());
                    }
                }
            } catch (CapFormatException e) {
                // print() says so at the method.
                continue;
            }
        }
        for (int i = 0; i < cap.methods().handlers().size(); i++) {
            int type = cap.methods().handlers().get(i).catchTypeIndex();
            if (type != 0) {
                uses.computeIfAbsent(type, key -> new ArrayList<>()).add("handler" + i);
            }
        }
        return uses;
    }

    private static boolean isPrimitiveTypeCheck(Instruction instruction) {
        return instruction.opcode().operands().equals("uC")
                && instruction.operand(0) >= 10
                && instruction.operand(0) <= 13;
    }

    void print(Appendable out) throws IOException {
        if (methods.isEmpty()) {
            out.append("  no Descriptor, so methods cannot be told apart\n");
        }
        for (MethodDescriptor method : methods.values()) {
            try {
                print(method, out);
            } catch (CapFormatException e) {
                out.append("    broken: ").append(e.getMessage()).append('\n');
            }
        }
    }

    private void print(MethodDescriptor method, Appendable out) throws IOException {
        out.append(String.format(
                "\n  @%04X %s%s %s token %s\n",
                method.methodOffset(),
                names.methodName(method.methodOffset()),
                Flags.member(method.flags()),
                names.type(method.typeOffset()),
                CapDump.token(method.token())));
        MethodInfo info = cap.methods().methodAt(method.methodOffset(), method.bytecodeCount());
        out.append(String.format(
                "    stack %d, parameters %d, locals %d, %d bytes\n",
                info.maxStack(), info.nargs(), info.maxLocals(), info.code().length));
        for (int offset = 0; offset < info.code().length; ) {
            Instruction instruction = Instruction.decode(info.code(), offset);
            out.append(String.format("    %4d  %s\n", offset, text(instruction)));
            offset += instruction.length();
        }
        for (int i = 0;
                i < method.handlerCount()
                        && method.handlerIndex() + i < cap.methods().handlers().size();
                i++) {
            Handler handler = cap.methods().handlers().get(method.handlerIndex() + i);
            out.append(String.format(
                    "    catch %s from %d to %d at %d%s\n",
                    handler.catchTypeIndex() == 0 ? "any" : names.constant(handler.catchTypeIndex()),
                    handler.start() - info.codeOffset(),
                    handler.end() - info.codeOffset(),
                    handler.handlerOffset() - info.codeOffset(),
                    handler.stop() ? " stop" : ""));
        }
    }

    private String text(Instruction instruction) {
        String mnemonic = instruction.opcode().mnemonic();
        String operands = instruction.opcode().operands();
        if (!instruction.targets().isEmpty()) {
            return mnemonic + " "
                    + (instruction.opcode().isSwitch()
                            ? switchText(instruction)
                            : instruction.targets().get(0).toString());
        }
        int index = instruction.constantPoolIndex();
        if (index < 0 || isPrimitiveTypeCheck(instruction)) {
            return instruction.toString();
        }
        String constant = "#" + index + " " + names.constant(index);
        return switch (operands) {
            case "uC" -> mnemonic + " " + instruction.operand(0) + " " + constant;
            case "uCu" ->
                mnemonic + " nargs " + instruction.operand(0) + " " + constant + " method " + instruction.operand(2);
            default -> mnemonic + " " + constant;
        };
    }

    private static String switchText(Instruction instruction) {
        List<Integer> targets = instruction.targets();
        StringBuilder text = new StringBuilder();
        boolean table = instruction.opcode().mnemonic().endsWith("tableswitch");
        for (int i = 1; i < targets.size(); i++) {
            int match = table ? instruction.operand(1) + i - 1 : instruction.operand(2 * i);
            text.append(match).append("->").append(targets.get(i)).append(", ");
        }
        return text.append("default->").append(targets.get(0)).toString();
    }
}

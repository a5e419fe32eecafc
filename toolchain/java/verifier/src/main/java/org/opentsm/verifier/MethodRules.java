// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.ConstantPoolComponent;
import org.opentsm.cap.ConstantPoolComponent.Entry;
import org.opentsm.cap.DescriptorComponent.MethodDescriptor;
import org.opentsm.cap.HeaderComponent;
import org.opentsm.cap.Instruction;
import org.opentsm.cap.MethodComponent;
import org.opentsm.cap.MethodComponent.Handler;
import org.opentsm.cap.MethodComponent.MethodInfo;
import org.opentsm.verifier.PackageView.MethodView;

/** Rules of Method without dataflow: layout, headers, decodable code, branch targets, handlers, RefLocation. */
final class MethodRules {
    private static final int MAX_CODE = 32767;
    private static final int MAX_CELLS = 255;
    private final PackageView view;
    private final Findings findings;
    private final MethodComponent component;
    private final TreeSet<Integer> bytePositions = new TreeSet<>();
    private final TreeSet<Integer> byte2Positions = new TreeSet<>();
    private boolean complete = true;
    private boolean intOpcode;

    MethodRules(PackageView view) {
        this.view = view;
        this.findings = view.findings;
        this.component = view.cap.methods();
    }

    /** Checks all methods; gives those back that dataflow can run on. */
    List<DecodedMethod> check() {
        checkLayout();
        List<DecodedMethod> decoded = new ArrayList<>();
        int[] owners = new int[component.handlers().size()];
        for (MethodView method : view.methods.values()) {
            checkHeader(method);
            List<Handler> handlers = handlersOf(method, owners);
            DecodedMethod code = decode(method, handlers);
            if (code == null) {
                complete = false;
            } else if (checkBranches(code) & checkHandlers(code) & checkConstants(code)) {
                decoded.add(code);
            }
        }
        for (int i = 0; i < owners.length; i++) {
            if (owners[i] != 1 && !(view.inferred && owners[i] == 0)) {
                findings.error(
                        "Method",
                        "handler " + i,
                        1 + 8 * i,
                        "handler-owner",
                        "the handler belongs to " + owners[i] + " methods");
            }
            if (component.handlers().get(i).catchTypeIndex() != 0) {
                byte2Positions.add(1 + 8 * i + 6);
            }
        }
        if (intOpcode && (view.cap.header().flags() & HeaderComponent.ACC_INT) == 0) {
            findings.error("Header", "", 6, "acc-int", "int instructions are used, but ACC_INT is clear");
        }
        if (complete) {
            checkReferenceLocations();
        }
        return decoded;
    }

    private void error(MethodView method, int offset, String rule, String text) {
        findings.error("Method", method.label(), offset, rule, text);
    }

    private void checkLayout() {
        int next = component.firstOffset();
        for (MethodView method : view.methods.values()) {
            MethodInfo info = method.info();
            if (info.offset() != next && !view.inferred) {
                error(method, -1, "method-layout", "methods must follow each other, expected one at " + next);
                complete = false;
            }
            next = info.offset() + info.size();
        }
        if (next != component.endOffset() && !view.inferred) {
            findings.error(
                    "Method",
                    next,
                    "method-layout",
                    (component.endOffset() - next) + " bytes belong to no method of Descriptor");
            complete = false;
        }
    }

    private void checkHeader(MethodView method) {
        MethodInfo info = method.info();
        if ((info.flags() & ~MethodComponent.ACC_ABSTRACT) != 0) {
            error(method, -1, "method-flags", String.format("header flags %X are not defined", info.flags()));
        }
        if (info.isAbstract() != method.descriptor().isAbstract()) {
            error(method, -1, "method-abstract", "header and Descriptor differ in whether the method is abstract");
        }
        if (info.isAbstract()) {
            if (info.code().length != 0 || info.maxStack() != 0 || info.maxLocals() != 0) {
                error(method, -1, "method-abstract", "an abstract method has no code, stack and locals");
            }
        } else if (info.code().length == 0 || info.code().length > MAX_CODE) {
            error(
                    method,
                    -1,
                    "method-size",
                    info.code().length + " bytes of bytecode, 1 to " + MAX_CODE + " are allowed");
        }
        if (info.nargs() + info.maxLocals() > MAX_CELLS) {
            error(
                    method,
                    -1,
                    "method-locals",
                    (info.nargs() + info.maxLocals()) + " cells of parameters and locals, at most " + MAX_CELLS);
        }
        if (method.type() != null) {
            int cells = method.type().parameterCells() + (method.descriptor().isStatic() ? 0 : 1);
            if (cells != info.nargs()) {
                error(
                        method,
                        -1,
                        "method-nargs",
                        "nargs is " + info.nargs() + ", the parameters of " + method.type() + " take " + cells);
            }
        }
    }

    private List<Handler> handlersOf(MethodView method, int[] owners) {
        MethodDescriptor descriptor = method.descriptor();
        int end = descriptor.handlerIndex() + descriptor.handlerCount();
        if (descriptor.handlerCount() > 0 && end > component.handlers().size()) {
            error(
                    method,
                    -1,
                    "handler-index",
                    "handlers " + descriptor.handlerIndex() + " to " + (end - 1) + " do not exist");
            return List.of();
        }
        if (descriptor.handlerCount() == 0) {
            return List.of();
        }
        for (int i = descriptor.handlerIndex(); i < end; i++) {
            owners[i]++;
        }
        return component.handlers().subList(descriptor.handlerIndex(), end);
    }

    /** Null when the code does not decode to its last byte. */
    private DecodedMethod decode(MethodView method, List<Handler> handlers) {
        List<Instruction> instructions = new ArrayList<>();
        BitSet starts = new BitSet();
        byte[] code = method.info().code();
        try {
            for (int offset = 0; offset < code.length; ) {
                Instruction instruction = Instruction.decode(code, offset);
                starts.set(offset);
                instructions.add(instruction);
                notePosition(method, instruction);
                offset += instruction.length();
            }
        } catch (CapFormatException e) {
            error(method, e.offset(), "code", e.getMessage());
            return null;
        }
        return new DecodedMethod(method, instructions, starts, handlers);
    }

    private void notePosition(MethodView method, Instruction instruction) {
        String operands = instruction.opcode().operands();
        intOpcode |= usesInt(instruction);
        int at = instruction.constantPoolOperandOffset();
        if (at < 0) {
            return;
        }
        int position = method.info().codeOffset() + instruction.offset() + at;
        boolean typeCheck = operands.equals("uC");
        if (typeCheck && instruction.operand(0) >= 10 && instruction.operand(0) <= 13) {
            return;
        }
        (operands.indexOf('c') >= 0 ? bytePositions : byte2Positions).add(position);
    }

    private static boolean usesInt(Instruction instruction) {
        String name = instruction.opcode().mnemonic();
        if (name.equals("newarray") || name.equals("checkcast") || name.equals("instanceof")) {
            return instruction.operand(0) == 13;
        }
        boolean start = name.startsWith("i")
                && !name.startsWith("if")
                && !name.startsWith("invoke")
                && !name.equals("instanceof");
        return start
                || name.equals("bipush")
                || name.equals("sipush")
                || name.equals("s2i")
                || name.endsWith("field_i")
                || name.endsWith("static_i")
                || name.endsWith("field_i_w")
                || name.endsWith("field_i_this");
    }

    private boolean checkBranches(DecodedMethod code) {
        boolean fine = true;
        for (Instruction instruction : code.instructions()) {
            for (int target : instruction.targets()) {
                if (target < 0 || !code.starts().get(target)) {
                    error(
                            code.method(),
                            instruction.offset(),
                            "branch-target",
                            instruction.opcode() + " goes to " + target + ", where no instruction starts");
                    fine = false;
                }
            }
            fine &= checkSwitch(code, instruction);
        }
        return fine;
    }

    private boolean checkSwitch(DecodedMethod code, Instruction instruction) {
        if (!instruction.opcode().mnemonic().endsWith("lookupswitch")) {
            return true;
        }
        for (int i = 4; i < instruction.operands().size(); i += 2) {
            if (instruction.operand(i) <= instruction.operand(i - 2)) {
                error(code.method(), instruction.offset(), "switch-order", "match values must ascend");
                return false;
            }
        }
        return true;
    }

    /** Of instructions that nothing leads to as well: dataflow does not come by them, and whoever links them does. */
    private boolean checkConstants(DecodedMethod code) {
        boolean fine = true;
        for (Instruction instruction : code.instructions()) {
            int index = instruction.constantPoolIndex();
            List<Integer> wanted = wantedTags(instruction);
            if (wanted.isEmpty()) {
                continue;
            }
            Optional<Entry> entry = view.constant(index);
            if (entry.isEmpty()) {
                error(code.method(), instruction.offset(), "cp-index", "constant " + index + " does not exist");
                fine = false;
            } else if (!wanted.contains(entry.get().tag())) {
                error(
                        code.method(),
                        instruction.offset(),
                        "cp-kind",
                        "constant " + index + " is a " + entry.get().kind() + ", which " + instruction.opcode()
                                + " does not take");
                fine = false;
            }
        }
        return fine;
    }

    /** Empty for an instruction without constant. */
    private static List<Integer> wantedTags(Instruction instruction) {
        String name = instruction.opcode().mnemonic();
        if (name.contains("static_")) {
            return List.of(ConstantPoolComponent.STATIC_FIELDREF);
        }
        if (name.contains("field_")) {
            return List.of(ConstantPoolComponent.INSTANCE_FIELDREF);
        }
        return switch (name) {
            case "invokevirtual" -> List.of(ConstantPoolComponent.VIRTUAL_METHODREF);
            case "invokestatic" -> List.of(ConstantPoolComponent.STATIC_METHODREF);
            case "invokespecial" ->
                List.of(ConstantPoolComponent.STATIC_METHODREF, ConstantPoolComponent.SUPER_METHODREF);
            case "invokeinterface", "new", "anewarray" -> List.of(ConstantPoolComponent.CLASSREF);
            case "checkcast", "instanceof" ->
                instruction.operand(0) == 0 || instruction.operand(0) == 14
                        ? List.of(ConstantPoolComponent.CLASSREF)
                        : List.of();
            default -> List.of();
        };
    }

    private boolean checkHandlers(DecodedMethod code) {
        boolean fine = true;
        for (int i = 0; i < code.handlers().size(); i++) {
            Handler handler = code.handlers().get(i);
            String where = "handler " + (code.method().descriptor().handlerIndex() + i);
            int start = code.local(handler.start());
            int end = code.local(handler.end());
            int target = code.local(handler.handlerOffset());
            int length = code.method().info().code().length;
            boolean range = handler.activeLength() > 0 && isStart(code, start) && (isStart(code, end) || end == length);
            if (!range || !isStart(code, target)) {
                error(
                        code.method(),
                        -1,
                        "handler-range",
                        where + " covers " + start + " to " + end + " and goes to " + target
                                + ", which are not all instructions of the method");
                fine = false;
            }
            checkStopBit(code, i, handler, where);
            if (handler.catchTypeIndex() != 0
                    && view.constant(handler.catchTypeIndex())
                            .filter(entry -> entry.tag() == ConstantPoolComponent.CLASSREF)
                            .isEmpty()) {
                error(
                        code.method(),
                        -1,
                        "handler-type",
                        where + " catches constant " + handler.catchTypeIndex() + ", which is no Classref");
                fine = false;
            }
        }
        return fine;
    }

    private static boolean isStart(DecodedMethod code, int offset) {
        return offset >= 0 && code.starts().get(offset);
    }

    private void checkStopBit(DecodedMethod code, int index, Handler handler, String where) {
        boolean last = true;
        for (Handler later : code.handlers().subList(index + 1, code.handlers().size())) {
            last &= later.end() <= handler.start() || later.start() >= handler.end();
        }
        if (handler.stop() && !last) {
            // Converters of 2.x left such bits: the card then looks at no further handler, which is no danger to it.
            findings.warning(
                    "Method",
                    code.method().label(),
                    -1,
                    "handler-stop",
                    where + " has the stop bit, but a later handler covers the same code");
        } else if (!handler.stop() && last) {
            findings.warning("Method", code.method().label(), -1, "handler-stop", where + " lacks the stop bit");
        }
    }

    private void checkReferenceLocations() {
        compare(
                "1-byte",
                new ArrayList<>(bytePositions),
                view.cap.referenceLocations().bytePositions());
        compare(
                "2-byte",
                new ArrayList<>(byte2Positions),
                view.cap.referenceLocations().byte2Positions());
    }

    private void compare(String what, List<Integer> expected, List<Integer> listed) {
        // The list has the places of methods too that nothing leads to.
        if (expected.equals(listed) || view.inferred && new HashSet<>(listed).containsAll(expected)) {
            return;
        }
        int i = 0;
        while (i < expected.size() && i < listed.size() && expected.get(i).equals(listed.get(i))) {
            i++;
        }
        findings.error(
                "RefLocation",
                -1,
                "ref-location",
                what + " index " + i + ": the code has "
                        + (i < expected.size() ? "one at " + expected.get(i) : "no more") + ", the list "
                        + (i < listed.size() ? listed.get(i) : "ends"));
    }
}

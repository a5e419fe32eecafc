// SPDX-License-Identifier: Apache-2.0
package org.opentsm.inference;

import java.util.ArrayList;
import java.util.List;
import org.opentsm.cap.ConstantPoolComponent;
import org.opentsm.cap.ConstantPoolComponent.Entry;
import org.opentsm.cap.Instruction;
import org.opentsm.cap.exp.ExportFile.ExportMethod;

/** What one instruction takes from the stack and leaves there, cell by cell. */
final class CodeEffects {
    private final Members members;
    private final Kinds kinds;
    private final FoundMethod method;
    private final Constructors constructors;
    private List<Cell> locals;
    private List<Cell> stack;

    CodeEffects(Members members, FoundMethod method, Constructors constructors) {
        this.members = members;
        this.kinds = members.kinds;
        this.method = method;
        this.constructors = constructors;
    }

    void apply(Instruction instruction, String mnemonic, List<Cell> localCells, List<Cell> stackCells) {
        locals = localCells;
        stack = stackCells;
        String plain = plain(mnemonic);
        if (plain != null) {
            int arrow = plain.indexOf('>');
            for (int i = arrow - 1; i >= 0; i--) {
                pop(plain.charAt(i));
            }
            plain.substring(arrow + 1).chars().forEach(kind -> push((char) kind));
        } else if (mnemonic.startsWith("load", 1) || mnemonic.startsWith("store", 1)) {
            local(instruction, mnemonic);
        } else if (mnemonic.startsWith("invoke")) {
            call(instruction, mnemonic);
        } else {
            other(instruction, mnemonic);
        }
    }

    private Cell take() {
        if (stack.isEmpty()) {
            throw new InferenceException(method.label() + ": the stack runs empty");
        }
        return stack.remove(stack.size() - 1);
    }

    private Cell pop(char kind) {
        if (kind == Kinds.INT) {
            take().use(Kinds.TAIL, kinds);
        }
        Cell cell = take();
        cell.use(kind, kinds);
        return cell;
    }

    private void push(char kind) {
        stack.add(Cell.of(kind));
        if (kind == Kinds.INT) {
            stack.add(Cell.TAIL);
        }
    }

    /** Kinds popped, "&gt;", kinds pushed; null when they depend on more than the name. */
    private static String plain(String m) {
        if (m.equals("aconst_null")) {
            return ">A";
        }
        if (m.contains("const_")) {
            return m.charAt(0) == 'i' ? ">I" : ">S";
        }
        if (m.endsWith("push")) {
            return m.charAt(1) == 'i' || m.equals("iipush") || m.equals("sipush") || m.equals("bipush") ? ">I" : ">S";
        }
        if (m.matches("[absi]aload")) {
            return "AS>" + kind(m.charAt(0));
        }
        if (m.matches("[absi]astore")) {
            return "AS" + kind(m.charAt(0)) + ">";
        }
        if (m.matches("[si](add|sub|mul|div|rem|shl|shr|ushr|and|or|xor)")) {
            String k = kind(m.charAt(0));
            return k + k + ">" + k;
        }
        if (m.matches("if_scmp.*")) {
            return "SS>";
        }
        if (m.matches("if_acmp.*")) {
            return "AA>";
        }
        if (m.matches("if(non)?null(_w)?|athrow|areturn")) {
            return "A>";
        }
        if (m.matches("if..(_w)?|s(table|lookup)switch|sreturn")) {
            return "S>";
        }
        return switch (m) {
            case "itableswitch", "ilookupswitch", "ireturn" -> "I>";
            case "nop", "goto", "goto_w", "ret", "return" -> ">";
            case "sneg", "s2b" -> "S>S";
            case "ineg" -> "I>I";
            case "i2b", "i2s" -> "I>S";
            case "s2i" -> "S>I";
            case "icmp" -> "II>S";
            case "arraylength", "instanceof" -> "A>S";
            case "newarray", "anewarray" -> "S>A";
            case "checkcast" -> "A>A";
            default -> null;
        };
    }

    private static String kind(char letter) {
        return letter == 'a' ? "A" : letter == 'i' ? "I" : "S";
    }

    private Cell localAt(int index) {
        if (index >= locals.size()) {
            throw new InferenceException(method.label() + " has no local " + index);
        }
        return locals.get(index);
    }

    private void setLocal(int index, Cell cell) {
        localAt(index);
        locals.set(index, cell);
    }

    private void local(Instruction instruction, String mnemonic) {
        int underscore = mnemonic.indexOf('_');
        int index = underscore < 0 ? instruction.operand(0) : mnemonic.charAt(underscore + 1) - '0';
        char kind = kind(mnemonic.charAt(0)).charAt(0);
        if (mnemonic.startsWith("load", 1)) {
            localAt(index).use(kind, kinds);
            stack.add(localAt(index));
            if (kind == Kinds.INT) {
                localAt(index + 1).use(Kinds.TAIL, kinds);
                stack.add(localAt(index + 1));
            }
        } else if (kind == Kinds.INT) {
            pop(kind);
            setLocal(index, Cell.INT);
            setLocal(index + 1, Cell.TAIL);
        } else {
            setLocal(index, pop(kind));
        }
    }

    private void other(Instruction instruction, String mnemonic) {
        if (mnemonic.contains("field_") || mnemonic.contains("static_")) {
            field(instruction, mnemonic);
            return;
        }
        switch (mnemonic) {
            case "pop" -> take();
            case "pop2" -> {
                take();
                take();
            }
            case "dup" -> duplicate(1, 0);
            case "dup2" -> duplicate(2, 0);
            case "dup_x" -> duplicate(instruction.operand(0) >> 4 & 0xF, instruction.operand(0) & 0xF);
            case "swap_x" -> swap(instruction.operand(0) >> 4 & 0xF, instruction.operand(0) & 0xF);
            case "sinc", "sinc_w" -> {
                localAt(instruction.operand(0)).use(Kinds.SHORT, kinds);
                setLocal(instruction.operand(0), Cell.SHORT);
            }
            case "iinc", "iinc_w" -> localAt(instruction.operand(0)).use(Kinds.INT, kinds);
            case "new" ->
                stack.add(Cell.created(
                        members.constant(instruction.constantPoolIndex(), ConstantPoolComponent.CLASSREF)
                                .classRef(),
                        instruction.offset()));
            default -> throw new InferenceException("instruction " + mnemonic + " has no known effect");
        }
    }

    private List<Cell> cut(int cells) {
        List<Cell> top = new ArrayList<>();
        for (int i = 0; i < cells; i++) {
            top.add(0, take());
        }
        return top;
    }

    private void duplicate(int copied, int depth) {
        List<Cell> moved = cut(Math.max(copied, depth));
        stack.addAll(moved.subList(moved.size() - copied, moved.size()));
        stack.addAll(moved);
    }

    private void swap(int upper, int lower) {
        List<Cell> moved = cut(upper + lower);
        stack.addAll(moved.subList(lower, moved.size()));
        stack.addAll(moved.subList(0, lower));
    }

    private void field(Instruction instruction, String mnemonic) {
        boolean isStatic = mnemonic.contains("static_");
        Entry entry = members.constant(
                instruction.constantPoolIndex(),
                isStatic ? ConstantPoolComponent.STATIC_FIELDREF : ConstantPoolComponent.INSTANCE_FIELDREF);
        char type = mnemonic.charAt(mnemonic.indexOf('_') + 1);
        constructors.fieldUsed(entry, type);
        char kind = kind(type).charAt(0);
        boolean put = mnemonic.startsWith("put");
        if (put) {
            pop(kind);
        }
        if (mnemonic.endsWith("_this")) {
            localAt(0).use(Kinds.REFERENCE, kinds);
        } else if (!isStatic) {
            pop(Kinds.REFERENCE);
        }
        if (!put) {
            push(kind);
        }
    }

    private void call(Instruction instruction, String mnemonic) {
        Entry entry = members.constant(instruction.constantPoolIndex(), 0);
        if (mnemonic.equals("invokeinterface")) {
            int cells = instruction.operand(0) - 1;
            call(members.interfaceMethod(entry.classRef(), instruction.operand(2), Math.max(0, cells)), true);
        } else if (entry.tag() != ConstantPoolComponent.STATIC_METHODREF) {
            if (entry.tag() == ConstantPoolComponent.SUPER_METHODREF) {
                constructors.superCall(method.offset(), entry.classRef());
            } else if (entry.tag() != ConstantPoolComponent.VIRTUAL_METHODREF) {
                throw new InferenceException(method.label() + " calls what is no method");
            }
            Cell receiver = call(members.virtual(entry), true);
            if (members.isProtected(entry)) {
                constructors.protectedUse(method.offset(), entry.classRef(), receiver.madeHere());
            }
        } else if (entry.isExternal()) {
            ExportMethod target = members.externalStatic(entry);
            Cell receiver = call(Signature.exact(target.descriptor(), kinds), !target.isStatic());
            if (target.isStatic() && members.isProtected(entry)) {
                constructors.protectedUse(method.offset(), entry.classRef(), -1);
            }
            if (target.isConstructor() && receiver.origin() == Cell.THIS) {
                constructors.superConstructor(method.offset(), entry.classRef());
            }
        } else {
            boolean special = mnemonic.equals("invokespecial");
            Signature target = members.signature(entry.offset());
            int receiver = stack.size() - target.parameters().size();
            Cell object = special && receiver >= 0 && receiver < stack.size() ? stack.get(receiver) : Cell.NOTHING;
            call(target, false);
            if (special) {
                constructors.special(method.offset(), entry.offset(), object.origin());
                locals.replaceAll(cell -> initialised(cell, object.origin()));
                stack.replaceAll(cell -> initialised(cell, object.origin()));
            }
        }
    }

    private static Cell initialised(Cell cell, int origin) {
        return origin >= 0 && cell.origin() == origin ? Cell.initialised(origin) : cell;
    }

    /** Pops arguments and receiver, pushes the result; gives the receiver. */
    private Cell call(Signature target, boolean receiver) {
        char result = kinds.of(target.result());
        if (result == Kinds.UNKNOWN) {
            throw new CodeFollower.NotYet(target);
        }
        for (int i = target.parameters().size() - 1; i >= 0; i--) {
            take().become(target.parameters().get(i), kinds);
        }
        Cell object = receiver ? pop(Kinds.REFERENCE) : Cell.NOTHING;
        if (result != Kinds.VOID) {
            push(result);
        }
        return object;
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.objectweb.asm.Type;
import org.opentsm.cap.Instruction;

/**
 * Which kinds of values lie on the stack before each instruction of a verified method, top last: 'A' reference, 'S'
 * short, 'I' int.
 * One visit to each instruction is enough, as the verifier has seen to it that all ways to one agree; only without
 * Descriptor there are two more kinds, which are 'A' where ways meet that do not agree: 'T' for "this", and one for
 * each object whose constructor was not called yet.
 */
final class StackShapes {
    /** Stands for the stack of code that is never reached; no instruction moves more than eight cells. */
    private static final String UNREACHED = "SSSSSSSS";

    private final CapView view;
    private final Map<Integer, Instruction> instructions = new HashMap<>();
    private final Map<Integer, String> shapes = new HashMap<>();
    private final Deque<Integer> pending = new ArrayDeque<>();
    private static final int CREATED = 0x100;
    private final boolean keepsThis;

    /** @param isStatic whether local 0 is no "this" */
    StackShapes(CapView view, List<Instruction> code, List<Integer> handlers, boolean isStatic) {
        this.view = view;
        keepsThis = view.inferred && !isStatic && code.stream().noneMatch(StackShapes::changesThis);
        code.forEach(instruction -> instructions.put(instruction.offset(), instruction));
        reach(0, "");
        handlers.forEach(offset -> reach(offset, "A"));
        while (!pending.isEmpty()) {
            Instruction instruction = instructions.get(pending.pop());
            if (instruction != null) {
                follow(instruction);
            }
        }
    }

    String at(int offset) {
        return shapes.getOrDefault(offset, UNREACHED);
    }

    private static boolean changesThis(Instruction instruction) {
        String mnemonic = instruction.opcode().mnemonic();
        return mnemonic.equals("astore_0") || mnemonic.equals("astore") && instruction.operand(0) == 0;
    }

    private void reach(int offset, String shape) {
        String before = shapes.putIfAbsent(offset, shape);
        String merged = before == null || !view.inferred ? shape : merge(before, shape);
        if (before == null || view.inferred && !merged.equals(before)) {
            shapes.put(offset, merged);
            pending.push(offset);
        }
    }

    private static String merge(String one, String two) {
        StringBuilder merged = new StringBuilder(one);
        for (int i = 0; i < Math.min(one.length(), two.length()); i++) {
            if (one.charAt(i) != two.charAt(i)) {
                merged.setCharAt(i, 'A');
            }
        }
        return merged.toString();
    }

    private void follow(Instruction instruction) {
        String before = shapes.get(instruction.offset());
        String mnemonic = instruction.opcode().mnemonic();
        int next = instruction.offset() + instruction.length();
        if (mnemonic.equals("jsr")) {
            reach(instruction.targets().get(0), before + "A");
            // The subroutine pops its return address and leaves the rest as it was.
            reach(next, before);
            return;
        }
        String after = after(instruction, mnemonic, before);
        instruction.targets().forEach(target -> reach(target, after));
        if (instruction.fallsThrough()) {
            reach(next, after);
        }
    }

    private static String pop(String shape, int values) {
        if (values > shape.length()) {
            throw LinkException.inconsistent("the stack runs empty");
        }
        return shape.substring(0, shape.length() - values);
    }

    private String after(Instruction instruction, String mnemonic, String before) {
        if (view.inferred && mnemonic.equals("new")) {
            return before + (char) (CREATED + instruction.offset());
        }
        if (keepsThis
                && mnemonic.startsWith("aload")
                && (mnemonic.equals("aload_0") || mnemonic.equals("aload") && instruction.operand(0) == 0)) {
            return before + 'T';
        }
        String effect = effect(mnemonic);
        if (effect != null) {
            return pop(before, effect.charAt(0) - '0') + effect.substring(1);
        }
        return switch (mnemonic) {
            case "pop2" -> pop(before, top(before) == 'I' ? 1 : 2);
            case "dup" -> before + top(before);
            case "dup2" -> before + before.substring(before.length() - (top(before) == 'I' ? 1 : 2));
            case "dup_x" -> StackMoves.duplicated(before, instruction.operand(0) >> 4, instruction.operand(0) & 0xF);
            case "swap_x" -> StackMoves.swapped(before, instruction.operand(0) >> 4, instruction.operand(0) & 0xF);
            case "invokevirtual" -> called(before, view.member(instruction.constantPoolIndex()), 1);
            case "invokespecial" -> special(before, instruction.constantPoolIndex());
            case "invokestatic" -> called(before, view.member(instruction.constantPoolIndex()), 0);
            case "invokeinterface" ->
                called(
                        before,
                        view.interfaceMethod(
                                view.constant(instruction.constantPoolIndex()).classRef(), instruction.operand(2)),
                        1);
            default -> throw LinkException.inconsistent("instruction " + mnemonic + " has no known effect");
        };
    }

    private String special(String before, int index) {
        MemberName member = view.member(index);
        String after = called(before, member, view.isStaticTarget(index) ? 0 : 1);
        if (!view.inferred || !member.isConstructor()) {
            return after;
        }
        char created = before.charAt(after.length());
        return created >= CREATED ? after.replace(created, 'A') : after;
    }

    private static char top(String shape) {
        return pop(shape, 1).length() < shape.length() ? shape.charAt(shape.length() - 1) : ' ';
    }

    private static String called(String before, MemberName member, int receiver) {
        String rest = pop(before, Type.getArgumentTypes(member.descriptor()).length + receiver);
        return switch (Type.getReturnType(member.descriptor()).getSort()) {
            case Type.VOID -> rest;
            case Type.INT -> rest + "I";
            case Type.ARRAY, Type.OBJECT -> rest + "A";
            default -> rest + "S";
        };
    }

    /** Number of values popped, then the kinds pushed; null when they depend on more than the opcode. */
    private static String effect(String mnemonic) {
        String kind =
                switch (mnemonic.charAt(0)) {
                    case 'a' -> "A";
                    case 'i' -> "I";
                    default -> "S";
                };
        if (mnemonic.equals("aconst_null") || mnemonic.contains("const_") || mnemonic.endsWith("push")) {
            // bspush and sspush push shorts, bipush, sipush and iipush ints.
            return "0" + (mnemonic.endsWith("push") ? mnemonic.charAt(1) == 'i' ? "I" : "S" : kind);
        }
        if (mnemonic.matches("[asi]load(_\\d)?")) {
            return "0" + kind;
        }
        if (mnemonic.matches("[asi]store(_\\d)?")) {
            return "1";
        }
        if (mnemonic.matches("[absi]aload")) {
            return "2" + kind;
        }
        if (mnemonic.matches("[absi]astore")) {
            return "3";
        }
        if (mnemonic.contains("field_") || mnemonic.contains("static_")) {
            return fieldEffect(mnemonic);
        }
        if (mnemonic.matches("[si](add|sub|mul|div|rem|shl|shr|ushr|and|or|xor)")) {
            return "2" + kind;
        }
        if (mnemonic.matches("if_.*")) {
            return "2";
        }
        if (mnemonic.matches("if.*|.*switch|pop|athrow|[asi]return")) {
            return "1";
        }
        return switch (mnemonic) {
            case "nop", "goto", "goto_w", "ret", "return", "sinc", "sinc_w", "iinc", "iinc_w" -> "0";
            case "sneg", "ineg" -> "1" + kind;
            case "s2b", "i2b", "i2s", "arraylength", "instanceof" -> "1S";
            case "s2i" -> "1I";
            case "icmp" -> "2S";
            case "new" -> "0A";
            case "newarray", "anewarray", "checkcast" -> "1A";
            default -> null;
        };
    }

    private static String fieldEffect(String mnemonic) {
        char type = mnemonic.charAt(mnemonic.indexOf('_') + 1);
        String kind = type == 'a' ? "A" : type == 'i' ? "I" : "S";
        int object = mnemonic.contains("static_") || mnemonic.endsWith("_this") ? 0 : 1;
        return mnemonic.startsWith("put") ? String.valueOf(1 + object) : object + kind;
    }
}

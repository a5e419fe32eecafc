// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.ArrayList;
import java.util.List;
import org.opentsm.cap.ByteWriter;
import org.opentsm.cap.MethodComponent.MethodInfo;
import org.opentsm.cap.Opcode;
import org.opentsm.cap.Opcodes;

/** Sizes and encodes one method: branches start short and widen to a fixpoint, field access widens by pool index. */
final class MethodLayout {
    private static final int MAX_CODE = 32767;
    private static final int MAX_CELLS = 255;

    private final TranslatedMethod method;
    private final PoolBuilder pool;
    private int length;
    private int maxStack;

    MethodLayout(TranslatedMethod method, PoolBuilder pool, boolean foldPutfield) {
        this.method = method;
        this.pool = pool;
        if (!method.code().isEmpty()) {
            Peephole.foldThis(method.code(), method.thisIsStable(), foldPutfield, key -> pool.indexOf(key) <= 255);
            maxStack = StackDepth.of(method.code(), method.handlers());
            if (maxStack > MAX_CELLS) {
                throw new ConversionException(0, "the method needs " + maxStack + " stack cells, more than 255");
            }
            widenFields();
            widenBranches();
        }
    }

    TranslatedMethod method() {
        return method;
    }

    /** Bytes of bytecode. */
    int length() {
        return length;
    }

    /** Bytes of header and code. */
    int size() {
        return info(new byte[0]).headerSize() + length;
    }

    int headerSize() {
        return info(new byte[0]).headerSize();
    }

    private void widenFields() {
        for (CapInsn insn : method.code()) {
            if (insn.op >= Jcvm.GETFIELD_A && insn.op < Jcvm.PUTFIELD_A + 4 && pool.indexOf(insn.reference) > 255) {
                insn.op += insn.op < Jcvm.PUTFIELD_A
                        ? Jcvm.GETFIELD_A_W - Jcvm.GETFIELD_A
                        : Jcvm.PUTFIELD_A_W - Jcvm.PUTFIELD_A;
            }
        }
    }

    private void widenBranches() {
        for (boolean changed = true; changed; ) {
            place();
            changed = false;
            for (CapInsn insn : method.code()) {
                if (Jcvm.isBranch(insn.op)) {
                    int distance = distance(insn, insn.target);
                    if (distance != (byte) distance) {
                        insn.op += Jcvm.WIDE_BRANCH;
                        changed = true;
                    }
                }
            }
        }
        if (length > MAX_CODE) {
            throw new ConversionException(
                    0, "the method has " + length + " bytes of bytecode, more than 32767; split it");
        }
    }

    private void place() {
        int offset = 0;
        for (CapInsn insn : method.code()) {
            insn.offset = offset;
            offset += size(insn);
        }
        length = offset;
    }

    private static int size(CapInsn insn) {
        if (!Jcvm.isSwitch(insn.op)) {
            return layout(insn).length();
        }
        int key = insn.op == Jcvm.ITABLESWITCH || insn.op == Jcvm.ILOOKUPSWITCH ? 4 : 2;
        boolean table = insn.op == Jcvm.STABLESWITCH || insn.op == Jcvm.ITABLESWITCH;
        return table ? 3 + 2 * key + 2 * insn.cases.size() : 5 + (key + 2) * insn.cases.size();
    }

    private static Opcode layout(CapInsn insn) {
        return Opcodes.of(insn.op).orElseThrow();
    }

    private static int distance(CapInsn from, CapInsn.Label to) {
        return to.resolve().offset - from.offset;
    }

    /** Offset in the bytecode of a label; the end of the method when nothing follows it. */
    int offsetOf(CapInsn.Label label) {
        CapInsn insn = label.resolve();
        return insn == null ? length : insn.offset;
    }

    int offsetOf(CapInsn insn) {
        return insn == null ? length : insn.resolve().offset;
    }

    /** Header and bytecode. */
    MethodInfo encode() {
        ByteWriter out = new ByteWriter();
        for (CapInsn insn : method.code()) {
            out.u1(insn.op);
            if (Jcvm.isSwitch(insn.op)) {
                encodeSwitch(insn, out);
            } else {
                encodeOperands(insn, out);
            }
        }
        return info(out.toByteArray());
    }

    private MethodInfo info(byte[] code) {
        int flags = method.code().isEmpty() ? org.opentsm.cap.MethodComponent.ACC_ABSTRACT : 0;
        return MethodInfo.of(flags, maxStack, method.nargs(), method.maxLocals(), code);
    }

    private void encodeOperands(CapInsn insn, ByteWriter out) {
        int next = 0;
        for (char letter : layout(insn).operands().toCharArray()) {
            switch (letter) {
                case 'b' -> out.s1(insn.operands[next++]);
                case 'u' -> out.u1(insn.operands[next++]);
                case 's' -> out.s2(insn.operands[next++]);
                case 'i' -> out.s4(insn.operands[next++]);
                case 'r' -> out.s1(distance(insn, insn.target));
                case 'R' -> out.s2(distance(insn, insn.target));
                case 'c' -> out.u1(pool.indexOf(insn.reference));
                default -> out.u2(insn.reference == null ? 0 : pool.indexOf(insn.reference));
            }
        }
    }

    private static void encodeSwitch(CapInsn insn, ByteWriter out) {
        out.s2(distance(insn, insn.target));
        boolean wide = insn.op == Jcvm.ITABLESWITCH || insn.op == Jcvm.ILOOKUPSWITCH;
        boolean table = insn.op == Jcvm.STABLESWITCH || insn.op == Jcvm.ITABLESWITCH;
        if (table) {
            key(insn.keys[0], wide, out);
            key(insn.keys[1], wide, out);
        } else {
            out.u2(insn.keys.length);
        }
        for (int i = 0; i < insn.cases.size(); i++) {
            if (!table) {
                key(insn.keys[i], wide, out);
            }
            out.s2(distance(insn, insn.cases.get(i)));
        }
    }

    private static void key(int value, boolean wide, ByteWriter out) {
        if (wide) {
            out.s4(value);
        } else {
            out.s2(value);
        }
    }

    /** Places of pool indexes, counted from the first bytecode byte; one-byte and two-byte indexes apart. */
    void references(int codeOffset, List<Integer> bytePlaces, List<Integer> byte2Places) {
        for (CapInsn insn : method.code()) {
            if (insn.reference == null) {
                continue;
            }
            String operands = layout(insn).operands();
            if (operands.startsWith("c")) {
                bytePlaces.add(codeOffset + insn.offset + 1);
            } else {
                byte2Places.add(codeOffset + insn.offset + (operands.startsWith("C") ? 1 : 2));
            }
        }
    }

    /** A handler by bytecode offsets. */
    record Range(int start, int end, int target, PoolKey type) {
        boolean overlaps(Range other) {
            return start < other.end && other.start < end;
        }
    }

    /** Handlers in table order; those whose range became empty are dropped. */
    List<Range> handlers() {
        List<Range> result = new ArrayList<>();
        for (TranslatedMethod.Handler handler : method.handlers()) {
            Range range = new Range(
                    offsetOf(handler.start()), offsetOf(handler.end()), offsetOf(handler.target()), handler.type());
            if (range.start < range.end) {
                result.add(range);
            }
        }
        return result;
    }
}

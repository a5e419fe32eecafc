// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.tree.AbstractInsnNode;
import org.objectweb.asm.tree.FieldInsnNode;
import org.objectweb.asm.tree.InsnNode;
import org.objectweb.asm.tree.IntInsnNode;
import org.objectweb.asm.tree.LdcInsnNode;
import org.opentsm.cap.ByteWriter;
import org.opentsm.cap.StaticFieldComponent;
import org.opentsm.cap.StaticFieldComponent.ArrayInit;

/**
 * The static image: runs every &lt;clinit&gt; symbolically, as the card has none, and lays the fields out as
 * [arrays with values][other references][primitives with 0][other primitives].
 */
final class StaticImage {
    private static final int MAX_ARRAY = 32767;
    private static final int MAX_TOTAL = 65535;
    private static final String CANNOT = "the initial value of a static field must be a constant or an array of"
            + " constants; assign anything else in install or a constructor";

    /** A null reference on the symbolic stack. */
    private static final Object NULL = new Object();

    /** An array made in an initializer; elements keep their int value. */
    private record ArrayValue(int type, int[] elements) {
        int elementSize() {
            return type == StaticFieldComponent.TYPE_SHORT ? 2 : type == StaticFieldComponent.TYPE_INT ? 4 : 1;
        }

        byte[] bytes() {
            ByteWriter out = new ByteWriter();
            for (int element : elements) {
                switch (elementSize()) {
                    case 1 -> out.u1(element & 0xFF);
                    case 2 -> out.u2(element & 0xFFFF);
                    default -> out.s4(element);
                }
            }
            return out.toByteArray();
        }
    }

    private final World world;
    private final boolean ints;
    private final Diagnostics diagnostics;
    private final Map<Member, Object> values = new HashMap<>();
    private final Map<Member, Integer> offsets = new HashMap<>();
    private int arrayBytes;

    StaticImage(World world, boolean ints, Diagnostics diagnostics) {
        this.world = world;
        this.ints = ints;
        this.diagnostics = diagnostics;
    }

    /** Runs the initializers and lays out the fields of the classes in their order. */
    StaticFieldComponent build(List<LinkedClass> classes, boolean isLibrary) {
        List<Member> arrays = new ArrayList<>();
        List<Member> references = new ArrayList<>();
        List<Member> zeros = new ArrayList<>();
        List<Member> others = new ArrayList<>();
        for (LinkedClass c : classes) {
            initialize(c);
            for (Member field : c.fields.values()) {
                if (!field.isStatic() || field.constant != null) {
                    continue;
                }
                Object value =
                        values.getOrDefault(field, field.field.value instanceof Integer i ? i : Integer.valueOf(0));
                if (TokenAssigner.isReference(field)) {
                    (value instanceof ArrayValue ? arrays : references).add(field);
                } else {
                    (value.equals(0) ? zeros : others).add(field);
                }
                if (isLibrary && value instanceof ArrayValue) {
                    diagnostics.warning(
                            c.name,
                            field.name,
                            0,
                            "a static array with values in a library package is outside"
                                    + " the portable subset; older cards refuse it");
                }
            }
        }
        return layOut(arrays, references, zeros, others);
    }

    private StaticFieldComponent layOut(
            List<Member> arrays, List<Member> references, List<Member> zeros, List<Member> others) {
        int offset = 0;
        List<ArrayInit> inits = new ArrayList<>();
        for (Member field : arrays) {
            ArrayValue array = (ArrayValue) values.get(field);
            inits.add(new ArrayInit(array.type, array.bytes()));
            offsets.put(field, offset);
            offset += 2;
        }
        for (Member field : references) {
            offsets.put(field, offset);
            offset += 2;
        }
        int start = offset;
        for (Member field : zeros) {
            offsets.put(field, offset);
            offset += size(field);
        }
        int zeroBytes = offset - start;
        ByteWriter initial = new ByteWriter();
        for (Member field : others) {
            offsets.put(field, offset);
            offset += size(field);
            int value = (Integer) values.getOrDefault(field, field.field.value);
            switch (size(field)) {
                case 1 -> initial.u1(value & 0xFF);
                case 2 -> initial.u2(value & 0xFFFF);
                default -> initial.s4(value);
            }
        }
        if (offset > MAX_TOTAL) {
            diagnostics.error("the static fields need " + offset + " bytes, more than 65535");
            return new StaticFieldComponent(0, 0, List.of(), 0, new byte[0]);
        }
        return new StaticFieldComponent(
                offset, arrays.size() + references.size(), inits, zeroBytes, initial.toByteArray());
    }

    private static int size(Member field) {
        return switch (field.descriptor) {
            case "Z", "B" -> 1;
            case "I" -> 4;
            default -> 2;
        };
    }

    /** Image offset of one of our static fields. */
    int offsetOf(Member field) {
        return offsets.get(field);
    }

    private void initialize(LinkedClass c) {
        Member initializer = c.methods.get("<clinit>()V");
        if (initializer == null || initializer.method == null) {
            return;
        }
        try {
            new Run(c, new MethodCode(initializer.method)).run();
        } catch (ConversionException e) {
            diagnostics.error(c.name, "<clinit>", e.line(), e.getMessage());
        }
    }

    /** One initializer being run. */
    private final class Run {
        private final LinkedClass owner;
        private final MethodCode code;
        private final Deque<Object> stack = new ArrayDeque<>();
        private final Set<ArrayValue> assigned = java.util.Collections.newSetFromMap(new java.util.IdentityHashMap<>());
        private int index;

        Run(LinkedClass owner, MethodCode code) {
            this.owner = owner;
            this.code = code;
        }

        private ConversionException refuse(String message) {
            return new ConversionException(code.line(index), message);
        }

        void run() {
            for (index = 0; index < code.size(); index++) {
                AbstractInsnNode insn = code.at(index);
                if (insn.getOpcode() == Opcodes.RETURN) {
                    return;
                }
                step(insn, insn.getOpcode());
            }
        }

        private void step(AbstractInsnNode insn, int op) {
            if (op >= Opcodes.ICONST_M1 && op <= Opcodes.ICONST_5 && insn instanceof InsnNode) {
                stack.push(op - Opcodes.ICONST_0);
                return;
            }
            switch (op) {
                case Opcodes.NOP -> {}
                case Opcodes.BIPUSH, Opcodes.SIPUSH -> stack.push(((IntInsnNode) insn).operand);
                case Opcodes.LDC -> loadConstant((LdcInsnNode) insn);
                case Opcodes.ACONST_NULL -> stack.push(NULL);
                case Opcodes.NEWARRAY -> newArray(((IntInsnNode) insn).operand);
                case Opcodes.DUP -> stack.push(pop(Object.class, stack.peek()));
                case Opcodes.BASTORE, Opcodes.SASTORE, Opcodes.IASTORE -> storeElement();
                case Opcodes.PUTSTATIC -> putStatic((FieldInsnNode) insn);
                case Opcodes.GETSTATIC -> getStatic((FieldInsnNode) insn);
                default -> throw refuse(problem(insn));
            }
        }

        private String problem(AbstractInsnNode insn) {
            String text = insn.getOpcode() == Opcodes.ANEWARRAY || Shapes.of(insn.getOpcode()) != null
                    ? CANNOT
                    : Shapes.unsupported(insn);
            boolean plain = insn instanceof FieldInsnNode
                    || insn instanceof org.objectweb.asm.tree.MethodInsnNode
                    || insn instanceof org.objectweb.asm.tree.VarInsnNode
                    || insn instanceof org.objectweb.asm.tree.IincInsnNode
                    || insn.getOpcode() >= Opcodes.POP && insn.getOpcode() <= Opcodes.SWAP;
            return plain ? CANNOT : text;
        }

        /** For dup: hands the peeked value back, refusing an empty stack. */
        private <T> T pop(Class<T> type, Object value) {
            if (!type.isInstance(value)) {
                throw refuse(value == null ? "the class file is damaged: the operand stack underflows" : CANNOT);
            }
            return type.cast(value);
        }

        private int popInt() {
            return pop(Integer.class, stack.poll());
        }

        private void loadConstant(LdcInsnNode insn) {
            String problem = Shapes.badConstant(insn);
            if (problem != null) {
                throw refuse(problem);
            }
            stack.push(insn.cst);
        }

        private void newArray(int jvmType) {
            int type =
                    switch (jvmType) {
                        case Opcodes.T_BOOLEAN -> StaticFieldComponent.TYPE_BOOLEAN;
                        case Opcodes.T_BYTE -> StaticFieldComponent.TYPE_BYTE;
                        case Opcodes.T_SHORT -> StaticFieldComponent.TYPE_SHORT;
                        case Opcodes.T_INT -> StaticFieldComponent.TYPE_INT;
                        case Opcodes.T_CHAR -> throw refuse("char is not in the Java Card language; use byte or short");
                        default -> throw refuse(Shapes.NO_LONG_FLOAT);
                    };
            if (type == StaticFieldComponent.TYPE_INT && !ints) {
                throw refuse("int arrays need int support; use short[]");
            }
            int length = popInt();
            ArrayValue array = new ArrayValue(type, new int[0]);
            int bytes = length * array.elementSize();
            if (length < 0 || length > MAX_ARRAY || (arrayBytes += bytes) > MAX_TOTAL) {
                throw refuse("static arrays may have 32767 elements each and 65535 bytes together");
            }
            stack.push(new ArrayValue(type, new int[length]));
        }

        private void storeElement() {
            int value = popInt();
            int at = popInt();
            ArrayValue array = pop(ArrayValue.class, stack.poll());
            if (at < 0 || at >= array.elements.length) {
                throw refuse("an array element outside the array is set");
            }
            array.elements[at] = value;
        }

        private void getStatic(FieldInsnNode insn) {
            LinkedClass from = world.require(insn.owner, code.line(index));
            Member field = world.findField(from, insn.name + insn.desc);
            if (field == null || field.constant == null) {
                throw refuse(CANNOT);
            }
            stack.push(field.constant);
        }

        private void putStatic(FieldInsnNode insn) {
            Object value = pop(Object.class, stack.poll());
            Member field = insn.owner.equals(owner.name) ? owner.fields.get(insn.name + insn.desc) : null;
            if (field == null || !field.isStatic()) {
                throw refuse("a static initializer may only assign fields of its own class");
            }
            if (insn.name.equals("$assertionsDisabled")) {
                throw refuse("assert is not supported; use an if statement and throw");
            }
            boolean number = value instanceof Integer;
            if (number == TokenAssigner.isReference(field) || field.constant != null) {
                throw refuse("the class file is damaged: a field is assigned a value of another type");
            }
            if (value instanceof ArrayValue array) {
                if (!assigned.add(array)) {
                    throw refuse("one static array is assigned to two fields; the card would make two arrays."
                            + " Assign one of them in install");
                }
                checkArray(field, array);
            }
            values.put(field, number ? narrow(field, (Integer) value) : value);
        }

        private void checkArray(Member field, ArrayValue array) {
            String wanted =
                    switch (array.type) {
                        case StaticFieldComponent.TYPE_BOOLEAN -> "[Z";
                        case StaticFieldComponent.TYPE_BYTE -> "[B";
                        case StaticFieldComponent.TYPE_SHORT -> "[S";
                        default -> "[I";
                    };
            if (!field.descriptor.equals(wanted)) {
                throw refuse(
                        "a static field of type Object with an initial array cannot be loaded; declare the array type");
            }
        }

        private Integer narrow(Member field, int value) {
            return switch (field.descriptor) {
                case "B" -> (int) (byte) value;
                case "S" -> (int) (short) value;
                default -> value;
            };
        }
    }
}

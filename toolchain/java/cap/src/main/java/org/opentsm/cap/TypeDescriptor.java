// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.util.ArrayList;
import java.util.List;

/**
 * A type_descriptor: {@code u1 nibble_count; packed nibbles}, padded with a 0 nibble. One type for a field, parameter
 * types then the return type for a method.
 */
public record TypeDescriptor(List<Type> types) {
    public static final int VOID = 1;
    public static final int BOOLEAN = 2;
    public static final int BYTE = 3;
    public static final int SHORT = 4;
    public static final int INT = 5;
    public static final int REFERENCE = 6;
    public static final int ARRAY_OF_BOOLEAN = 0xA;
    public static final int ARRAY_OF_BYTE = 0xB;
    public static final int ARRAY_OF_SHORT = 0xC;
    public static final int ARRAY_OF_INT = 0xD;
    public static final int ARRAY_OF_REFERENCE = 0xE;

    /** @param classRef the class_ref of REFERENCE and ARRAY_OF_REFERENCE, -1 for the others */
    public record Type(int nibble, int classRef) {
        public static Type of(int nibble) {
            return new Type(nibble, -1);
        }

        public static Type reference(int classRef) {
            return new Type(REFERENCE, classRef);
        }

        public static Type arrayOf(int classRef) {
            return new Type(ARRAY_OF_REFERENCE, classRef);
        }

        public boolean isReference() {
            return nibble >= REFERENCE;
        }

        /** 16-bit cells on stack or in locals: 2 for int, 0 for void, 1 for all others. */
        public int cells() {
            return nibble == VOID ? 0 : nibble == INT ? 2 : 1;
        }

        @Override
        public String toString() {
            return switch (nibble) {
                case VOID -> "void";
                case BOOLEAN -> "boolean";
                case BYTE -> "byte";
                case SHORT -> "short";
                case INT -> "int";
                case REFERENCE -> ClassRef.text(classRef);
                case ARRAY_OF_BOOLEAN -> "boolean[]";
                case ARRAY_OF_BYTE -> "byte[]";
                case ARRAY_OF_SHORT -> "short[]";
                case ARRAY_OF_INT -> "int[]";
                default -> ClassRef.text(classRef) + "[]";
            };
        }
    }

    public TypeDescriptor {
        types = List.copyOf(types);
    }

    /** Reads the descriptor at the reader's place. */
    public static TypeDescriptor read(ByteReader in) {
        int at = in.position();
        int count = in.u1();
        byte[] packed = in.bytes((count + 1) / 2);
        List<Type> types = new ArrayList<>();
        int next = 0;
        while (next < count) {
            int nibble = nibble(packed, next++);
            if (nibble == 0 || nibble > 6 && nibble < 0xA || nibble == 0xF) {
                throw new CapFormatException(in.component(), at, "a type nibble", String.valueOf(nibble));
            }
            int ref = -1;
            if (nibble == REFERENCE || nibble == ARRAY_OF_REFERENCE) {
                if (next + 4 > count) {
                    throw new CapFormatException(in.component(), at, "four nibbles of class_ref", "the end");
                }
                ref = 0;
                for (int i = 0; i < 4; i++) {
                    ref = ref << 4 | nibble(packed, next++);
                }
            }
            types.add(new Type(nibble, ref));
        }
        if (types.isEmpty()) {
            throw new CapFormatException(in.component(), at, "at least one type", "none");
        }
        return new TypeDescriptor(types);
    }

    private static int nibble(byte[] packed, int index) {
        return index % 2 == 0 ? packed[index / 2] >> 4 & 0xF : packed[index / 2] & 0xF;
    }

    public byte[] toBytes() {
        StringBuilder hex = new StringBuilder();
        for (Type type : types) {
            hex.append(Integer.toHexString(type.nibble));
            if (type.classRef >= 0) {
                hex.append(String.format("%04x", type.classRef));
            }
        }
        int count = hex.length();
        if (count % 2 != 0) {
            hex.append('0');
        }
        return new ByteWriter()
                .u1(count)
                .bytes(java.util.HexFormat.of().parseHex(hex))
                .toByteArray();
    }

    /** All but the last type. */
    public List<Type> parameters() {
        return types.subList(0, types.size() - 1);
    }

    public Type returnType() {
        return types.get(types.size() - 1);
    }

    /** Cells of all parameters, "this" not included. */
    public int parameterCells() {
        return parameters().stream().mapToInt(Type::cells).sum();
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("(");
        for (Type type : parameters()) {
            text.append(text.length() == 1 ? "" : ", ").append(type);
        }
        return text.append(") ").append(returnType()).toString();
    }
}

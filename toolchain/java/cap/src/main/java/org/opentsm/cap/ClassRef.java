// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

/**
 * The u2 class_ref: an internal reference is a Class info offset below 8000; an external one is
 * {@code 80|package token, class token}; FFFF stands for "none" (Object's superclass).
 */
public final class ClassRef {
    public static final int NONE = 0xFFFF;

    private ClassRef() {}

    public static int external(int packageToken, int classToken) {
        if (packageToken < 0 || packageToken > 127 || classToken < 0 || classToken > 254) {
            throw new IllegalArgumentException("package token " + packageToken + ", class token " + classToken);
        }
        return 0x8000 | packageToken << 8 | classToken;
    }

    public static boolean isExternal(int ref) {
        return ref != NONE && (ref & 0x8000) != 0;
    }

    public static boolean isInternal(int ref) {
        return (ref & 0x8000) == 0;
    }

    public static int packageToken(int ref) {
        return ref >> 8 & 0x7F;
    }

    public static int classToken(int ref) {
        return ref & 0xFF;
    }

    public static String text(int ref) {
        if (ref == NONE) {
            return "none";
        }
        return isInternal(ref) ? String.format("@%04X", ref) : packageToken(ref) + "." + classToken(ref);
    }
}

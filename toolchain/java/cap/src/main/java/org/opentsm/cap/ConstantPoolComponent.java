// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.util.ArrayList;
import java.util.List;

/** Component 5: {@code u2 count; {u1 tag; u1 info[3]}[count]}, indexed from 0. */
public record ConstantPoolComponent(List<Entry> entries) implements Component {
    public static final int CLASSREF = 1;
    public static final int INSTANCE_FIELDREF = 2;
    public static final int VIRTUAL_METHODREF = 3;
    public static final int SUPER_METHODREF = 4;
    public static final int STATIC_FIELDREF = 5;
    public static final int STATIC_METHODREF = 6;
    private static final String[] NAMES = {
        "?", "Classref", "InstanceFieldref", "VirtualMethodref", "SuperMethodref", "StaticFieldref", "StaticMethodref"
    };

    public ConstantPoolComponent {
        entries = List.copyOf(entries);
    }

    /** One entry: the tag and its three info bytes as one number b1&lt;&lt;16|b2&lt;&lt;8|b3. */
    public record Entry(int tag, int info) {
        public static Entry classref(int classRef) {
            return new Entry(CLASSREF, classRef << 8);
        }

        public static Entry instanceField(int classRef, int token) {
            return new Entry(INSTANCE_FIELDREF, classRef << 8 | token);
        }

        /** token 80+ = package-visible method of an internal class. */
        public static Entry virtualMethod(int classRef, int token) {
            return new Entry(VIRTUAL_METHODREF, classRef << 8 | token);
        }

        /** classRef = the class that contains the super call. */
        public static Entry superMethod(int classRef, int token) {
            return new Entry(SUPER_METHODREF, classRef << 8 | token);
        }

        public static Entry internalStaticField(int imageOffset) {
            return new Entry(STATIC_FIELDREF, imageOffset);
        }

        public static Entry externalStaticField(int packageToken, int classToken, int token) {
            return new Entry(STATIC_FIELDREF, ClassRef.external(packageToken, classToken) << 8 | token);
        }

        public static Entry internalStaticMethod(int methodOffset) {
            return new Entry(STATIC_METHODREF, methodOffset);
        }

        public static Entry externalStaticMethod(int packageToken, int classToken, int token) {
            return new Entry(STATIC_METHODREF, ClassRef.external(packageToken, classToken) << 8 | token);
        }

        /** First two info bytes: the class_ref of tags 1 to 4 and of external static references. */
        public int classRef() {
            return info >> 8;
        }

        /** Last info byte: the member token of all but internal static references. */
        public int token() {
            return info & 0xFF;
        }

        public boolean isStatic() {
            return tag == STATIC_FIELDREF || tag == STATIC_METHODREF;
        }

        public boolean isExternal() {
            return (info & 0x800000) != 0 && !(tag == CLASSREF && classRef() == ClassRef.NONE);
        }

        /** Last two info bytes of an internal static reference: image offset or Method info offset. */
        public int offset() {
            return info & 0xFFFF;
        }

        public String kind() {
            return tag >= 1 && tag <= 6 ? NAMES[tag] : "tag " + tag;
        }
    }

    public static ConstantPoolComponent read(byte[] info) {
        ByteReader in = new ByteReader("ConstantPool", info);
        int count = in.u2();
        if (in.remaining() != 4 * count) {
            throw new CapFormatException("ConstantPool", 2, 4 * count + " bytes of entries", in.remaining() + " bytes");
        }
        List<Entry> entries = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int at = in.position();
            int tag = in.u1();
            if (tag < CLASSREF || tag > STATIC_METHODREF) {
                throw new CapFormatException("ConstantPool", at, "an entry tag of 1 to 6", String.valueOf(tag));
            }
            entries.add(new Entry(tag, in.u1() << 16 | in.u2()));
        }
        return new ConstantPoolComponent(entries);
    }

    @Override
    public int tag() {
        return ComponentTag.CONSTANT_POOL.value();
    }

    @Override
    public byte[] info() {
        ByteWriter out = new ByteWriter().u2(entries.size());
        for (Entry entry : entries) {
            out.u1(entry.tag).u1(entry.info >> 16).u2(entry.info & 0xFFFF);
        }
        return out.toByteArray();
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.util.ArrayList;
import java.util.List;

/** Component 10: what other packages may link to, by class token and static token. */
public record ExportComponent(List<ExportedClass> classes) implements Component {
    /**
     * @param classOffset   Class info offset
     * @param fieldOffsets  static image offsets by static field token
     * @param methodOffsets Method info offsets by static method token
     */
    public record ExportedClass(int classOffset, List<Integer> fieldOffsets, List<Integer> methodOffsets) {
        public ExportedClass {
            fieldOffsets = List.copyOf(fieldOffsets);
            methodOffsets = List.copyOf(methodOffsets);
        }
    }

    public ExportComponent {
        classes = List.copyOf(classes);
    }

    public static ExportComponent read(byte[] info) {
        ByteReader in = new ByteReader("Export", info);
        int count = in.u1();
        List<ExportedClass> classes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int offset = in.u2();
            int fields = in.u1();
            int methods = in.u1();
            classes.add(new ExportedClass(offset, in.u2s(fields), in.u2s(methods)));
        }
        in.expectEnd();
        return new ExportComponent(classes);
    }

    @Override
    public int tag() {
        return ComponentTag.EXPORT.value();
    }

    @Override
    public byte[] info() {
        ByteWriter out = new ByteWriter().u1(classes.size());
        for (ExportedClass item : classes) {
            out.u2(item.classOffset).u1(item.fieldOffsets.size()).u1(item.methodOffsets.size());
            out.u2s(item.fieldOffsets).u2s(item.methodOffsets);
        }
        return out.toByteArray();
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.util.ArrayList;
import java.util.List;

/**
 * Component 8, the static image: references set by array_init, other references, primitives with default 0,
 * primitives with initial values. The k-th array_init belongs to image offset 2k.
 */
public record StaticFieldComponent(
        int imageSize, int referenceCount, List<ArrayInit> arrayInits, int defaultValueCount, byte[] nonDefaultValues)
        implements Component {
    public static final int TYPE_BOOLEAN = 2;
    public static final int TYPE_BYTE = 3;
    public static final int TYPE_SHORT = 4;
    public static final int TYPE_INT = 5;

    /** An array made at load time; values big-endian, 1, 1, 2 or 4 bytes an element by type. */
    public record ArrayInit(int type, byte[] values) {}

    public StaticFieldComponent {
        arrayInits = List.copyOf(arrayInits);
    }

    public static StaticFieldComponent read(byte[] info) {
        ByteReader in = new ByteReader("StaticField", info);
        int imageSize = in.u2();
        int references = in.u2();
        int arrayCount = in.u2();
        List<ArrayInit> arrays = new ArrayList<>();
        for (int i = 0; i < arrayCount; i++) {
            int type = in.u1();
            arrays.add(new ArrayInit(type, in.bytes(in.u2())));
        }
        int defaults = in.u2();
        byte[] values = in.bytes(in.u2());
        in.expectEnd();
        return new StaticFieldComponent(imageSize, references, arrays, defaults, values);
    }

    /** Bytes of all array values, the Directory's array_init_size. */
    public int arrayInitSize() {
        return arrayInits.stream().mapToInt(array -> array.values.length).sum();
    }

    @Override
    public int tag() {
        return ComponentTag.STATIC_FIELD.value();
    }

    @Override
    public byte[] info() {
        ByteWriter out = new ByteWriter().u2(imageSize).u2(referenceCount).u2(arrayInits.size());
        for (ArrayInit array : arrayInits) {
            out.u1(array.type).u2(array.values.length).bytes(array.values);
        }
        return out.u2(defaultValueCount)
                .u2(nonDefaultValues.length)
                .bytes(nonDefaultValues)
                .toByteArray();
    }
}

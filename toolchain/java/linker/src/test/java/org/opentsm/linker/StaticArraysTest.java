// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.DescriptorComponent;
import org.opentsm.cap.DescriptorComponent.ClassDescriptor;
import org.opentsm.cap.DescriptorComponent.FieldDescriptor;

/** Arrays with values in the static image, and the fields that take them. */
class StaticArraysTest {
    private static final String EVERY_TYPE =
            "package one; public class One { public static boolean[] z = {true, false};"
                    + " public static byte[] b = {1, -3}; public static short[] s = {1, -2, 0x1234};"
                    + " public static int[] i = {1, -2, 0x12345678}; public static byte[] none = {}; }";

    private static Object value(LinkedPackage made, String name) throws ReflectiveOperationException {
        String only = made.classes().keySet().iterator().next();
        return Bytes.loader(made.classes()).loadClass(only).getField(name).get(null);
    }

    private static LinkedPackage link(byte[] loadFile) {
        return new Linker(StaticArraysTest.class.getClassLoader(), List.of()).link(CapFile.readLoadFile(loadFile));
    }

    @Test
    void anArrayOfEachTypeHasItsValuesWithAndWithoutDescriptor() throws ReflectiveOperationException {
        CapFile cap = Workshop.cap(EVERY_TYPE);
        for (boolean withDescriptor : new boolean[] {true, false}) {
            LinkedPackage made = link(cap.loadFileDataBlock(withDescriptor));
            assertArrayEquals(new boolean[] {true, false}, (boolean[]) value(made, "s0000"));
            assertArrayEquals(new byte[] {1, -3}, (byte[]) value(made, "s0002"));
            assertArrayEquals(new short[] {1, -2, 0x1234}, (short[]) value(made, "s0004"));
            assertArrayEquals(new int[] {1, -2, 0x12345678}, (int[]) value(made, "s0006"));
            assertArrayEquals(new byte[] {}, (byte[]) value(made, "s0008"));
        }
    }

    /** The CAP of another converter, whose Descriptor has Object for the first static field, which has an array. */
    @Test
    void aFieldOfObjectTakesAnArray() throws ReflectiveOperationException {
        CapFile cap = Workshop.cap("package one; public class One { public static byte[] b = {7, 8};"
                + " public static Object o; public static Object both(short x) { return x > 0 ? b : o; } }");
        DescriptorComponent given = cap.descriptor().orElseThrow();
        ClassDescriptor only = given.classes().get(0);
        int array = type(only, 0);
        int object = type(only, 2);
        List<FieldDescriptor> fields = new ArrayList<>();
        for (FieldDescriptor field : only.fields()) {
            fields.add(new FieldDescriptor(field.token(), field.flags(), field.ref(), object));
        }
        DescriptorComponent changed = new DescriptorComponent(
                List.of(new ClassDescriptor(
                        only.token(), only.flags(), only.classRef(), only.interfaces(), fields, only.methods())),
                given.cpTypes().stream().map(one -> one == array ? object : one).toList(),
                given.typeData());
        ByteArrayOutputStream loadFile = new ByteArrayOutputStream();
        loadFile.writeBytes(cap.loadFileDataBlock(false));
        loadFile.writeBytes(changed.toBytes());
        LinkedPackage made = link(loadFile.toByteArray());
        assertArrayEquals(new byte[] {7, 8}, (byte[]) value(made, "s0000"));
        assertEquals(null, value(made, "s0002"));
    }

    private static int type(ClassDescriptor owner, int imageOffset) {
        return owner.fields().stream()
                .filter(field -> field.imageOffset() == imageOffset)
                .mapToInt(FieldDescriptor::type)
                .findFirst()
                .orElseThrow();
    }
}

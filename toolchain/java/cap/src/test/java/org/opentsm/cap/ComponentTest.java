// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.opentsm.cap.ClassComponent.ClassInfo;
import org.opentsm.cap.ClassComponent.InterfaceInfo;

/** Bytes written by hand from the rules of each component; every one must also write back to itself. */
class ComponentTest {
    private static byte[] hex(String text) {
        return MinimalApplet.bytes(text);
    }

    private static ClassComponent classes(String text, CapVersion version) {
        ClassComponent component = ClassComponent.read(hex(text), version, Set.of());
        assertArrayEquals(hex(text), component.info());
        return component;
    }

    @Test
    void allFourTableBytesStandBeforeTheTables() {
        ClassComponent component = classes("00 8003 01 FF 00 07 02 00 00 0010 000B", CapVersion.V2_1);
        ClassInfo info = (ClassInfo) component.entries().get(0);
        assertEquals(1, info.instanceSize());
        assertEquals(0xFF, info.firstReferenceToken());
        assertEquals(7, info.publicBase());
        assertEquals(List.of(0x10, 0x0B), info.publicTable());
        assertEquals(0, info.packageBase());
        assertEquals(List.of(), info.packageTable());
    }

    @Test
    void aShareableAppletListsItsMarkerInterface() {
        ClassComponent component = classes("41 8003 01 00 01 05 03 00 00 0066 FFFF 001E 8002 00", CapVersion.V2_1);
        ClassInfo info = (ClassInfo) component.entries().get(0);
        assertTrue(info.isShareable());
        assertEquals(List.of(0x66, 0xFFFF, 0x1E), info.publicTable());
        assertEquals(
                new ClassComponent.ImplementedInterface(0x8002, List.of()),
                info.interfaces().get(0));
    }

    @Test
    void aSignaturePoolMovesTheFirstClassFromCap22On() {
        assertEquals(
                0, classes("00 8003 00 FF 00 07 01 00 00 0015", CapVersion.V2_1).firstOffset());
        assertEquals(
                2,
                classes("0000 00 8003 00 FF 00 07 01 00 00 0015", CapVersion.V2_2)
                        .firstOffset());
        assertEquals(5, classes("0003 AABBCC 80", CapVersion.V2_2).offsetOf(0));
    }

    @Test
    void interfacesAndClassesLieOneAfterAnother() {
        ClassComponent component = classes("C1 8002  81 0000  00 8003 00 FF 00 07 01 00 00 0015", CapVersion.V2_1);
        assertEquals(List.of(0, 3, 6), component.offsets());
        assertEquals(List.of(0x8002), ((InterfaceInfo) component.at(0).orElseThrow()).superinterfaces());
        assertTrue(component.at(3).orElseThrow().isInterface());
        assertTrue(component.at(4).isEmpty());
    }

    @Test
    void remoteTypesCarryTheirTables() {
        ClassComponent component = classes(
                "0000 A0 03 616263  20 8003 00 FF 00 07 00 00 00 01 1234 0002 08 01 58 01 0002", CapVersion.V2_2);
        assertEquals(
                "abc", ((InterfaceInfo) component.entries().get(0)).remoteName().orElseThrow());
        ClassComponent.RemoteInfo remote =
                ((ClassInfo) component.entries().get(1)).remote().orElseThrow();
        assertEquals(0x1234, remote.methods().get(0).hash());
        assertEquals("X", remote.hashModifier());
    }

    @Test
    void cap23MapsTokensWithTheCountBehind() {
        String first = "00 8003 00 FF 00 07 01 00 00 0015 00 01 02 03 04 05 06 07 08";
        String second = "00 8003 00 FF 00 08 00 00 00 00 01 02 03 04 05 06 07 08";
        ClassComponent component = classes("0000" + first + second, CapVersion.V2_3);
        ClassInfo info = (ClassInfo) component.entries().get(0);
        assertEquals(8, info.tokenMapping().orElseThrow().inheritableCount());
        assertEquals(
                List.of(0, 1, 2, 3, 4, 5, 6, 7),
                info.tokenMapping().orElseThrow().tokens());
        assertEquals(23, component.offsetOf(1));
    }

    @Test
    void knownClassStartsSettleWhereACap23MappingEnds() {
        // Read alone, the first class could end at either 00; Descriptor says the second starts at 13.
        byte[] info = hex("0000 00 8003 00 FF 00 01 00 00 00 00 00 00 8003 00 FF 00 01 00 00 00 00".replace(" ", ""));
        ClassComponent component = ClassComponent.read(info, CapVersion.V2_3, Set.of(2, 14));
        assertEquals(List.of(2, 14), component.offsets());
        assertEquals(
                List.of(0),
                ((ClassInfo) component.entries().get(0))
                        .tokenMapping()
                        .orElseThrow()
                        .tokens());
        assertArrayEquals(info, component.info());
    }

    @Test
    void aClassComponentWithTooManyReadingsIsRefusedSoon() {
        // Every byte can end a mapping and start a class: the search for a fitting layout must not explode.
        byte[] info = new byte[0xFFFF];
        for (int i = 2; i < info.length; i++) {
            info[i] = (byte) (i % 11);
        }
        info[info.length - 1] = 0x55;
        assertThrows(CapFormatException.class, () -> ClassComponent.read(info, CapVersion.V2_3, Set.of()));
    }

    @Test
    void handlersKeepTheirStopBit() {
        byte[] info = hex("02 0011 8003 0014 0000 0011 0005 0016 0001  02 30 00 00 00 7A");
        MethodComponent component = MethodComponent.read(info);
        assertEquals(
                new MethodComponent.Handler(17, 3, true, 20, 0),
                component.handlers().get(0));
        assertEquals(
                new MethodComponent.Handler(17, 5, false, 22, 1),
                component.handlers().get(1));
        assertEquals(17, component.firstOffset());
        assertEquals(23, component.endOffset());
        assertArrayEquals(info, component.info());
    }

    @Test
    void largeFiguresTakeTheExtendedHeader() {
        MethodComponent.MethodInfo small = MethodComponent.MethodInfo.of(0, 15, 15, 15, hex("7A"));
        MethodComponent.MethodInfo large = MethodComponent.MethodInfo.of(0, 16, 1, 2, hex("7A"));
        MethodComponent.MethodInfo header =
                MethodComponent.MethodInfo.of(MethodComponent.ACC_ABSTRACT, 0, 2, 0, new byte[0]);
        MethodComponent component = MethodComponent.of(List.of(), List.of(small, large, header));
        assertArrayEquals(hex("00 0F FF 7A 80 10 01 02 7A 40 20"), component.info());
        assertEquals(4, component.methodAt(4, 1).headerSize());
        assertEquals(16, component.methodAt(4, 1).maxStack());
        assertTrue(component.methodAt(9, 0).isAbstract());
        assertEquals(2, component.methodAt(9, 0).nargs());
        assertThrows(CapFormatException.class, () -> component.methodAt(9, 1));
    }

    @Test
    void theImageHoldsArraysAndInitialValues() {
        // static final byte[] T = {1, 2}; static short s = 7;
        byte[] info = hex("0004 0001 0001 03 0002 0102 0000 0002 0007");
        StaticFieldComponent component = StaticFieldComponent.read(info);
        assertEquals(4, component.imageSize());
        assertEquals(2, component.arrayInitSize());
        assertArrayEquals(hex("0007"), component.nonDefaultValues());
        assertArrayEquals(info, component.info());
    }

    @Test
    void farPlacesUseFFDeltas() {
        ReferenceLocationComponent component = ReferenceLocationComponent.of(List.of(3, 258), List.of(254, 509, 1200));
        assertArrayEquals(hex("0003 03 FF00 0006 FE FF00 FFFFB5"), component.info());
        assertEquals(
                List.of(254, 509, 1200),
                ReferenceLocationComponent.read(component.info()).byte2Positions());
        assertThrows(CapFormatException.class, () -> ReferenceLocationComponent.read(hex("0001 FF 0000")));
    }

    @Test
    void exportListsOffsetsByToken() {
        byte[] info = hex("02 0000 00 00 000A 01 02 0004 0011 0022");
        ExportComponent component = ExportComponent.read(info);
        assertEquals(List.of(4), component.classes().get(1).fieldOffsets());
        assertEquals(List.of(0x11, 0x22), component.classes().get(1).methodOffsets());
        assertArrayEquals(info, component.info());
    }

    @Test
    void typeDescriptorsPackNibbles() {
        TypeDescriptor type = new TypeDescriptor(List.of(
                TypeDescriptor.Type.reference(0x8102),
                TypeDescriptor.Type.of(TypeDescriptor.ARRAY_OF_BYTE),
                TypeDescriptor.Type.of(TypeDescriptor.SHORT)));
        assertArrayEquals(hex("07 68102B40"), type.toBytes());
        assertEquals(type, TypeDescriptor.read(new ByteReader("types", hex("07 68102B40"))));
        assertEquals(2, type.parameterCells());
        assertThrows(CapFormatException.class, () -> TypeDescriptor.read(new ByteReader("types", hex("04 6800"))));
        assertThrows(CapFormatException.class, () -> TypeDescriptor.read(new ByteReader("types", hex("01 70"))));
        assertThrows(CapFormatException.class, () -> TypeDescriptor.read(new ByteReader("types", hex("00"))));
    }

    @Test
    void theTypeTableSharesEqualTypes() {
        TypeTable table = new TypeTable(4);
        TypeDescriptor nothing = new TypeDescriptor(List.of(TypeDescriptor.Type.of(TypeDescriptor.VOID)));
        TypeDescriptor bytes = new TypeDescriptor(List.of(TypeDescriptor.Type.of(TypeDescriptor.ARRAY_OF_BYTE)));
        assertEquals(10, table.offsetOf(nothing));
        assertEquals(12, table.offsetOf(bytes));
        assertEquals(10, table.offsetOf(nothing));
        assertArrayEquals(hex("01 10 01 B0"), table.toByteArray());
    }

    @Test
    void directoryGrowsWithTheVersion() {
        List<Integer> eleven = new ArrayList<>(java.util.Collections.nCopies(11, 0));
        List<Integer> twelve = new ArrayList<>(java.util.Collections.nCopies(12, 0));
        assertEquals(
                34, new DirectoryComponent(eleven, OptionalInt.empty(), 0, 0, 0, 0, 0, List.of()).toBytes().length);
        assertEquals(
                36, new DirectoryComponent(twelve, OptionalInt.empty(), 0, 0, 0, 0, 0, List.of()).toBytes().length);
        assertEquals(40, new DirectoryComponent(twelve, OptionalInt.of(0), 0, 0, 0, 0, 0, List.of()).toBytes().length);
        byte[] custom = new DirectoryComponent(
                        eleven,
                        OptionalInt.empty(),
                        0,
                        0,
                        0,
                        0,
                        0,
                        List.of(new DirectoryComponent.Custom(0xC0, 7, Aid.ofHex("A000000062"))))
                .info();
        assertEquals(
                0xC0,
                DirectoryComponent.read(custom, CapVersion.V2_1)
                        .customs()
                        .get(0)
                        .tag());
        assertThrows(CapFormatException.class, () -> DirectoryComponent.read(custom, CapVersion.V2_2));
    }

    @Test
    void headerNamesThePackageFromCap22On() {
        byte[] info = hex("DECAFFED 02 02 00 03 01 05 A000000001 03 612F62");
        HeaderComponent header = HeaderComponent.read(info);
        assertEquals("a/b", header.packageName().orElseThrow());
        assertEquals(1, header.packageInfo().major());
        assertEquals(3, header.packageInfo().minor());
        assertArrayEquals(info, header.info());
        assertThrows(
                CapFormatException.class, () -> HeaderComponent.read(hex("DECAFFED 02 02 00 03 01 04 A0000000 00")));
        assertThrows(
                CapFormatException.class, () -> HeaderComponent.read(hex("DECAFFEE 01 02 00 03 01 05 A000000001")));
    }

    @Test
    void theConstantPoolMayHoldDuplicates() {
        byte[] info = hex("0003 01800200 01800200 05000004");
        ConstantPoolComponent pool = ConstantPoolComponent.read(info);
        assertEquals(pool.entries().get(0), pool.entries().get(1));
        assertEquals(4, pool.entries().get(2).offset());
        assertArrayEquals(info, pool.info());
        assertThrows(CapFormatException.class, () -> ConstantPoolComponent.read(hex("0001 07000000")));
        assertThrows(CapFormatException.class, () -> ConstantPoolComponent.read(hex("0002 01000000")));
    }
}

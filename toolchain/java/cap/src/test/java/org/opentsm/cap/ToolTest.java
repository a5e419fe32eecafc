// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.opentsm.cap.exp.ExportBuilder;
import org.opentsm.cap.exp.ExportFile;
import org.opentsm.cap.exp.ExportFileProvider;
import org.opentsm.cap.tool.CapDiff;
import org.opentsm.cap.tool.CapDump;
import org.opentsm.cap.tool.CapSize;
import org.opentsm.cap.tool.ExportDump;

class ToolTest {
    private static final ExportFileProvider NONE = (aid, major, minor) -> Optional.empty();

    private static CapFile minimal() {
        return CapFile.read(MinimalApplet.zip(MinimalApplet.hex()));
    }

    private static ExportFile framework() {
        ExportBuilder builder = new ExportBuilder(1, "javacard/framework", Aid.ofHex("A0000000620101"), 1, 3, true);
        builder.add(
                3,
                0x401,
                "javacard/framework/Applet",
                List.of("java/lang/Object"),
                List.of(),
                List.of(),
                List.of(builder.method(0, 4, "<init>", "()V"), builder.method(1, 0x14, "register", "()V")));
        return builder.build();
    }

    private static String dump(CapFile cap, ExportFileProvider exports) throws IOException {
        StringBuilder out = new StringBuilder();
        CapDump.dump(cap, exports, out);
        return out.toString();
    }

    @Test
    void theDumpDisassemblesWithNamesOfExportFiles() throws IOException {
        ExportFile framework = framework();
        String text = dump(
                minimal(),
                (aid, major, minor) ->
                        new Aid(aid).equals(framework.aid()) ? Optional.of(framework) : Optional.empty());
        assertTrue(text.contains("@0000 class C0000 extends javacard/framework/Applet"), text);
        assertTrue(text.contains("   7  invokevirtual #3 javacard/framework/Applet.register()V"), text);
        assertTrue(text.contains("3: VirtualMethodref javacard/framework/Applet.register()V  <- C0000.m0001+7"), text);
        assertTrue(text.contains("A00000006203010C0101 install C0000.m0001"), text);
    }

    @Test
    void theDumpUsesTokensWithoutExportFiles() throws IOException {
        assertTrue(dump(minimal(), NONE).contains("VirtualMethodref A0000000620101#3.v1"));
    }

    @Test
    void debugGivesNamesAndABrokenOneIsPassedOver() throws IOException {
        Map<String, String> parts = MinimalApplet.hex();
        // Strings a/Hello, install, (V; class a/Hello at 0 with method install at 1; then cut short by one byte.
        String debug = "0003 0007 612F48656C6C6F 0007 696E7374616C6C 0002 2856 0000 0001"
                + " 0000 0001 0000 0000 0000 00 0000 0001  0001 0002 0009 0001 02 000B 0000 0000";
        parts.put("Debug", "0C 0041 " + debug);
        assertTrue(dump(CapFile.read(MinimalApplet.zip(parts)), NONE).contains("install Hello.install\n"));
        parts.put("Debug", "0C 0041 " + debug.substring(0, debug.length() - 2));
        assertTrue(dump(CapFile.read(MinimalApplet.zip(parts)), NONE).contains("install C0000.m0001\n"));
    }

    @Test
    void branchesSwitchesAndBrokenCodeAreReadable() throws IOException {
        Map<String, String> parts = MinimalApplet.hex();
        // The 11 bytes of install become: goto 2, slookupswitch with no case to 10, pad, return.
        parts.put("Method", "07 0018 00 02 30 7002 75 0008 0000 00 00 00 7A 01 10 18 8C0000 7A 00 20 FE");
        String text = dump(CapFile.read(MinimalApplet.zip(parts)), NONE);
        assertTrue(text.contains("   0  goto 2\n"), text);
        assertTrue(text.contains("   2  slookupswitch default->10\n"), text);
        assertTrue(text.contains("broken: bytecode at 0: expected a defined opcode, got 254"), text);
    }

    @Test
    void sizesAddUp() {
        CapSize.ClassSize size = CapSize.classes(minimal(), NONE).get(0);
        assertEquals(12, size.entryBytes());
        assertEquals(
                List.of(13, 7, 3),
                size.methods().stream().map(CapSize.MethodSize::bytes).toList());
        assertEquals(35, size.bytes());
        assertEquals(CapSize.loadSize(minimal(), true) - 68, CapSize.loadSize(minimal(), false));
    }

    @Test
    void theDiffNamesComponentsAndLines() throws IOException {
        StringBuilder same = new StringBuilder();
        assertEquals(CapDiff.Result.SAME_BYTES, CapDiff.diff(minimal(), minimal(), NONE, same));
        assertEquals("", same.toString());
        Map<String, String> parts = MinimalApplet.hex();
        parts.put("Method", parts.get("Method").replace("02 30", "03 30"));
        StringBuilder out = new StringBuilder();
        assertEquals(
                CapDiff.Result.DIFFERENT, CapDiff.diff(minimal(), CapFile.read(MinimalApplet.zip(parts)), NONE, out));
        assertTrue(
                out.toString().startsWith("Method: 27 bytes and 27 bytes, first difference at file offset 4\n"),
                out.toString());
        assertTrue(
                out.toString().contains("- stack 2 parameters 3 locals 0\n+ stack 3 parameters 3 locals 0\n"),
                out.toString());
    }

    @Test
    void anExportFilePrintsItsTokens() throws IOException {
        StringBuilder out = new StringBuilder();
        ExportDump.dump(framework(), out);
        assertTrue(
                out.toString()
                        .contains("  3 public abstract class javacard/framework/Applet extends [java/lang/Object]\n"),
                out.toString());
        assertTrue(out.toString().contains("      1 protected final register()V\n"), out.toString());
    }
}

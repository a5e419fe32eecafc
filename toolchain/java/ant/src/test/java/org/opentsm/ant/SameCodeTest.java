// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.exp.ExportPath;
import org.opentsm.cap.tool.CapDiff;

/**
 * Two builds of one source differ in bytes when members or classes change places, and hold the same code all the same.
 */
class SameCodeTest {
    private static final List<String> MEMBERS = List.of(
            "private static short first(short a) { return second((short) (a + 1)); }",
            "private static short second(short a) { return a > 9 ? a : first((short) (a * 2)); }",
            "private static byte[] table = {1, 2, 3};",
            "private static byte[] other = {4, 5};",
            "private static short count = 500;",
            "private static short zero;",
            "private static short use() { table[0] += other[1]; count++; zero--; return (short) (table.length + count); }",
            "static class Left { short v; short get() { return v; } static short s() { return 1; } }",
            "static class Right extends Left { short get() { return (short) (super.get() + Left.s()); } }",
            "private static short loop(byte[] b) { try { for (short i = 0; i < b.length; i++) { if (b[i] == 9) { return i; } } }"
                    + " catch (NullPointerException e) { return use(); } return new Right().get(); }");

    @TempDir
    Path folder;

    private CapFile build(List<String> members) throws IOException {
        String source = BuildFolder.applet(
                "p", "A", "apdu.getBuffer()[0] = (byte) (first((short) 2) + loop(apdu.getBuffer()));");
        return new BuildFolder(folder)
                .file("src/p/A.java", source.substring(0, source.lastIndexOf('}')) + String.join("\n", members) + "}")
                .run(
                        "<javacard><cap sources='src' aid='0102030405' output='o.cap'><applet class='p.A'/></cap></javacard>")
                .cap("o.cap");
    }

    private static CapDiff.Result diff(CapFile one, CapFile two, StringBuilder out) throws IOException {
        return CapDiff.diff(one, two, ExportPath.services(), out);
    }

    @Test
    void orderAndPoolNumbersAreNoDifferenceInCode() throws IOException {
        CapFile one = build(MEMBERS);
        List<String> turned = new ArrayList<>(MEMBERS);
        Collections.reverse(turned);
        CapFile two = build(turned);
        StringBuilder out = new StringBuilder();
        assertEquals(CapDiff.Result.SAME_CODE, diff(one, two, out));
        assertTrue(out.toString().contains("same code: 12 methods in 3 classes"), out.toString());
    }

    @ParameterizedTest(name = "{0} -> {1}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "a > 9 | a >= 9",
                "a * 2 | a * 3",
                "{4, 5} | {4, 6}",
                "count = 500 | count = 501",
                "count++; zero--; | zero++; count--;",
                "table[0] += other[1] | other[0] += table[1]",
                "b[i] == 9 | b[i] == 8",
                "super.get() | super.v",
                "NullPointerException | ArithmeticException",
                "Left.s() | Left.s() - 1"
            })
    void aChangeOfMeaningIsSaid(String from, String to) throws IOException {
        CapFile one = build(MEMBERS);
        CapFile two = build(MEMBERS.stream()
                .map(member -> member.replace(from.trim(), to.trim()))
                .toList());
        StringBuilder out = new StringBuilder();
        assertEquals(CapDiff.Result.DIFFERENT, diff(one, two, out), out.toString());
        assertNotEquals("", out.toString());
    }

    @Test
    void aChangedMethodIsNamedAndItsLinesShown() throws IOException {
        CapFile one = build(MEMBERS);
        CapFile two = build(MEMBERS.stream()
                .map(member -> member.replace("a > 9", "a > 10"))
                .toList());
        StringBuilder out = new StringBuilder();
        diff(one, two, out);
        assertTrue(out.toString().contains("- bspush 9\n+ bspush 10\n"), out.toString());
        assertTrue(out.toString().contains("11 of 12 methods are the same"), out.toString());
    }
}

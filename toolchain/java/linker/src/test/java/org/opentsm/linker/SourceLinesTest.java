// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.ComponentTag;
import org.opentsm.cap.RawComponent;

/** Source files and lines of linked classes, from a Debug component that nobody has verified. */
class SourceLinesTest {
    private static final String SOURCE =
            """
        package shop; public class Counter {
          public static short add(short a, short b) {
            short sum = 0;
            for (short i = 0; i < 3; i++) {
              sum += (short) (a / b);
            }
            if (sum > 100) {
              sum = 100;
            }
            return sum;
          }
        }""";
    private static final int DIVISION = 5;

    private static CapFile cap() {
        return new Workshop()
                .convert("shop", "F000000001", false, Map.of(), SOURCE)
                .cap()
                .orElseThrow();
    }

    private static LinkedPackage link(CapFile cap) {
        return new Linker(SourceLinesTest.class.getClassLoader(), List.of()).link(cap);
    }

    /** The same CAP with some bytes of Debug, in hex, replaced. */
    private static CapFile debugged(String from, String to) {
        CapFile cap = cap();
        CapFile.Builder copy = CapFile.builder().packagePath("shop");
        for (ComponentTag tag : ComponentTag.values()) {
            cap.component(tag).ifPresent(copy::put);
        }
        byte[] info = cap.debug().orElseThrow().info();
        byte[] put = HexFormat.of().parseHex(to);
        System.arraycopy(put, 0, info, Bytes.find(info, from), put.length);
        return copy.put(RawComponent.of(ComponentTag.DEBUG.value(), info)).build();
    }

    private static String hex(String text) {
        return HexFormat.of().withUpperCase().formatHex(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Source and the lines that its code has, in words. */
    private static String lines(LinkedPackage made) {
        String[] source = {"none"};
        TreeSet<Integer> found = new TreeSet<>();
        new ClassReader(made.classes().values().iterator().next())
                .accept(
                        new ClassVisitor(Opcodes.ASM9) {
                            @Override
                            public void visitSource(String file, String debug) {
                                source[0] = file;
                            }

                            @Override
                            public MethodVisitor visitMethod(
                                    int access, String name, String descriptor, String signature, String[] thrown) {
                                return new MethodVisitor(Opcodes.ASM9) {
                                    @Override
                                    public void visitLineNumber(int line, Label start) {
                                        found.add(line);
                                    }
                                };
                            }
                        },
                        0);
        return source[0] + " " + found;
    }

    @Test
    void linesOfCodeAreThoseOfTheSource() {
        assertEquals("shop/Counter.java [1, 3, 4, 5, 7, 8, 10]", lines(link(cap())));
    }

    @Test
    void anExceptionTellsItsLine() throws ReflectiveOperationException {
        LinkedPackage made = link(cap());
        Class<?> type = Bytes.loader(made.classes())
                .loadClass(made.classes().keySet().iterator().next());
        Method add = Arrays.stream(type.getDeclaredMethods())
                .filter(method -> method.getParameterCount() == 2)
                .findFirst()
                .orElseThrow();
        StackTraceElement place = assertThrows(
                        InvocationTargetException.class, () -> add.invoke(null, (short) 1, (short) 0))
                .getCause()
                .getStackTrace()[0];
        assertEquals("shop/Counter.java:" + DIVISION, place.getFileName() + ":" + place.getLineNumber());
    }

    @Test
    void whatACardWouldLoadHasNone() {
        assertEquals("none []", lines(link(CapFile.readLoadFile(cap().loadFileDataBlock(true)))));
    }

    @Test
    void aNameThatIsNoJavaFilesIsLeftOut() {
        String file = hex("Counter.java");
        for (String name :
                List.of("../nter.java", "Cou\nter.java", "/ounter.java", "Counter/java", "a\\b\\c\\d.java")) {
            assertEquals("none []", lines(link(debugged(file, hex(name)))), name);
        }
        assertEquals("none []", lines(link(debugged(hex("shop/Counter"), hex("shop//ounter")))));
        assertEquals("none []", lines(link(debugged(hex("shop/Counter"), hex("/hop/Counter")))));
    }

    @Test
    void oneOfAnotherShapeIsPassedOver() {
        assertEquals("none []", lines(link(debugged("", "FFFF"))));
        assertEquals("none []", lines(link(debugged(hex("Counter.java"), "FF"))));
    }

    @Test
    void aLineOfNoInstructionIsLeftOut() {
        // Line 5 begins where nothing is, then has no number.
        String five = lineEntry(DIVISION);
        String elsewhere = "7FFF" + five.substring(4);
        assertEquals("shop/Counter.java [1, 3, 4, 7, 8, 10]", lines(link(debugged(five, elsewhere))));
        String nameless = five.substring(0, 8) + "0000";
        assertEquals("shop/Counter.java [1, 3, 4, 7, 8, 10]", lines(link(debugged(five, nameless))));
    }

    /** Start, end and number as Debug has them. */
    private static String lineEntry(int number) {
        String info = HexFormat.of()
                .withUpperCase()
                .formatHex(cap().debug().orElseThrow().info());
        int at = info.lastIndexOf(String.format("%04X", number));
        return info.substring(at - 8, at + 4);
    }
}

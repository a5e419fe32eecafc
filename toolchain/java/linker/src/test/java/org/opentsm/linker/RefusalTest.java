// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.ComponentTag;
import org.opentsm.cap.Instruction;
import org.opentsm.cap.MethodComponent;
import org.opentsm.cap.Opcode;
import org.opentsm.cap.Opcodes;
import org.opentsm.linker.LinkException.Code;

/** CAPs that must not run: each is refused by name, and what is accepted is accepted by the JVM's own verifier too. */
class RefusalTest {
    private static final String SOURCE =
            """
        package one; import javacard.framework.*; public class One extends Applet implements Two {
          static final byte[] T = {1, 2, 3}; static short s = 7; private short f;
              private byte[] buffer = new byte[4]; private Object o;
          public static void install(byte[] b, short off, byte l) { new One().register(); }
          public void process(APDU apdu) { byte[] b = apdu.getBuffer(); switch (b[1]) { case 1: f++; break;
              case 2: s += f; break; case 90: o = this; break; default: ISOException.throwIt((short) 0x6D00); }
            try { Util.arrayCopy(T, (short) 0, b, (short) 0, (short) 3); buffer[0] = b[2]; next(f); }
                catch (ArithmeticException e) { o = e; } finally { f = 0; }
                apdu.setOutgoingAndSend((short) 0, (short) 3); }
          public short next(short by) { return (short) (by / f); } short hidden(Two two) { return two.next(s); }
              private static boolean is(Object x) { return x instanceof byte[] || x instanceof Two; } }
        interface Two extends Shareable { short next(short by); }""";

    private static CapFile applet() {
        return new Workshop()
                .convert("one", "F000000001", false, Map.of("F00000000101", "one.One"), SOURCE)
                .cap()
                .orElseThrow();
    }

    private static LinkedPackage link(CapFile cap) {
        return new Linker(RefusalTest.class.getClassLoader(), List.of()).link(cap);
    }

    private static LinkException refused(byte[] block) {
        return assertThrows(LinkException.class, () -> link(CapFile.readLoadFile(block)));
    }

    /** Place of a component's info in a load file. */
    private static int info(CapFile cap, ComponentTag tag) {
        byte[] block = cap.loadFileDataBlock(true);
        String component = java.util.HexFormat.of()
                .withUpperCase()
                .formatHex(cap.component(tag).orElseThrow().toBytes());
        return Bytes.find(block, component) + 3;
    }

    @Test
    void findingsOfTheVerifierAreNamed() {
        CapFile cap = applet();
        byte[] block = cap.loadFileDataBlock(true);
        block[info(cap, ComponentTag.REFERENCE_LOCATION) + 2]++;
        LinkException e = refused(block);
        assertEquals(Code.NOT_VERIFIED, e.code());
        assertEquals("ref-location", e.findings().get(0).rule());
        assertTrue(e.getMessage().contains("[ref-location]"), e.getMessage());
    }

    @Test
    void withoutDescriptorTheOtherComponentsMustAgree() {
        byte[] block = applet().loadFileDataBlock(false);
        assertTrue(link(CapFile.readLoadFile(block)).inferred());
        block[Bytes.find(block, "F00000000101") + 6]++;
        LinkException e = refused(block);
        assertTrue(e.getMessage().contains("there is no Descriptor"), e.getMessage());
    }

    @Test
    void aConstructorThatReturnsTheArrayItMadeIsRefused() {
        byte[] block = applet().loadFileDataBlock(false);
        // newarray byte; putfield_a 0; return
        block[Bytes.find(block, "900B87007A") + 2] =
                (byte) Opcodes.byName("areturn").value();
        LinkException e = refused(block);
        assertEquals(Code.NOT_VERIFIED, e.code());
        assertEquals("method-type", e.findings().get(0).rule());
    }

    @Test
    void badMagicAndExtendedFormatAreNoCap() {
        CapFile cap = applet();
        byte[] magic = cap.loadFileDataBlock(true);
        magic[info(cap, ComponentTag.HEADER)] = 0;
        assertThrows(CapFormatException.class, () -> link(CapFile.readLoadFile(magic)));
        byte[] extended = cap.loadFileDataBlock(true);
        extended[info(cap, ComponentTag.HEADER) + 6] |= 8;
        CapFormatException e = assertThrows(CapFormatException.class, () -> link(CapFile.readLoadFile(extended)));
        assertTrue(e.getMessage().contains("extended"), e.getMessage());
    }

    @Test
    void packagesThePlatformLacksAreRefused() {
        String source = "package one; public class One { public static"
                + " boolean is(Object o) { return o instanceof uicc.toolkit.ToolkitInterface; } }";
        LinkException e = assertThrows(LinkException.class, () -> link(Workshop.cap(source)));
        assertEquals(Code.IMPORT, e.code());
        assertTrue(
                e.getMessage().contains("uicc.toolkit") && e.getMessage().contains("not on this platform"),
                e.getMessage());
    }

    @Test
    void noPackageTakesTheNameOfOneOfTheApi() {
        for (String aid : List.of("A0000000620101", "A000000062020801", "A0000000620001")) {
            CapFile cap = new Workshop()
                    .convert(
                            "fake",
                            aid,
                            false,
                            Map.of(),
                            "package fake; public class One { public static void f() {} }")
                    .cap()
                    .orElseThrow();
            LinkException e = assertThrows(LinkException.class, () -> link(cap));
            assertEquals(Code.LOADED_TWICE, e.code());
            assertTrue(e.getMessage().contains(aid + " is one of this platform's API"), e.getMessage());
        }
    }

    @Test
    void aPackageOfTheApiThatThePlatformLacksMayBeLinked() {
        String toolkit = "A0000000090005FFFFFFFF8912000000";
        CapFile cap = new Workshop()
                .convert("own", toolkit, false, Map.of(), "package own; public class One { public static void f() {} }")
                .cap()
                .orElseThrow();
        assertEquals(toolkit, link(cap).info().aid().toString());
    }

    @Test
    void handlersOfCodeThatIsNeverReachedAreNoneOfTheJvm() {
        String source = "package one; public class One { static byte n; public static void f(byte[] b) {"
                + " n = 1; try { b[0] = 1; } catch (ArithmeticException e) { n = 2; } } }";
        CapFile cap = Workshop.cap(source);
        byte[] block = cap.loadFileDataBlock(true);
        // sconst_1; putstatic_b; then under the handler aload_0; sconst_0; sconst_1; bastore
        block[Bytes.find(block, "18030438") - 4] =
                (byte) Opcodes.byName("return").value();
        assertTrue(links(block));
    }

    @Test
    void constantsOfCodeThatIsNeverReachedAreOfTheKindThatItsInstructionsTake() {
        String source = "package one; public class One { static short n; void next() {}"
                + " public static void f(One o) { n = 1; o.next(); } }";
        byte[] block = Workshop.cap(source).loadFileDataBlock(true);
        // sconst_1; putstatic_s; aload_0; invokevirtual
        block[Bytes.find(block, "0481")] = (byte) Opcodes.byName("return").value();
        block[Bytes.find(block, "188B") + 1] =
                (byte) Opcodes.byName("getstatic_s").value();
        LinkException e = refused(block);
        assertEquals(Code.NOT_VERIFIED, e.code());
        assertEquals("cp-kind", e.findings().get(0).rule());
    }

    private static final String LIBRARY =
            """
        package two; public abstract class Lib { protected static final short[] N = {5, -6};
            public static byte count; int big = 70000; byte[][] rows;
          public abstract short size(); protected short twice() { return (short) (size() * 2); }
          public static int sum(int a, short b) { int r = 0; for (int i = 0; i < 3; i++) { r += a * b; } return r; }
          public static class Box extends Lib { private final Object[] all = new Object[3]; public short size() {
              return (short) (super.twice() + all.length); }
            Object at(byte i) { try { synchronizedLike(); return all[i]; } finally { count++; } }
                private void synchronizedLike() { if (count < 0) throw new ArrayStoreException(); } } }""";

    /** Load files of an applet and of a library with int: all kinds of tables. */
    private static List<byte[]> good() {
        CapFile library = new Workshop()
                .convert("two", "F000000002", true, Map.of(), LIBRARY.replace(" byte[][] rows;", ""))
                .cap()
                .orElseThrow();
        return List.of(
                applet().loadFileDataBlock(true),
                library.loadFileDataBlock(true),
                applet().loadFileDataBlock(false),
                library.loadFileDataBlock(false));
    }

    /**
     * 5,000 damaged load files, and times {@code opentsm.soak} in a soak: each ends in one of our two exceptions, or it
     * links and is sound for the JVM's own verifier.
     */
    @Test
    void damageNeverReachesTheJvm() {
        List<byte[]> corpus = good();
        long seed = Long.getLong("fuzz.seed", 11);
        int rounds = 5_000 * Integer.getInteger("opentsm.soak", 1);
        long linked = IntStream.range(0, rounds)
                .parallel()
                .filter(round -> links(damaged(corpus.get(round % corpus.size()), new Random(seed + round))))
                .count();
        assertTrue(linked > rounds / 100 && linked < rounds, "linked " + linked);
    }

    /** Whether it is not refused; then the JVM takes it too. */
    private static boolean links(byte[] loadFile) {
        LinkedPackage made;
        try {
            made = link(CapFile.readLoadFile(loadFile));
        } catch (CapFormatException | LinkException refused) {
            return false;
        }
        ClassLoader loader = Bytes.loader(made.classes());
        made.classes()
                .keySet()
                .forEach(name ->
                        assertDoesNotThrow(() -> Class.forName(name, true, loader), () -> java.util.HexFormat.of()
                                .formatHex(loadFile)));
        return true;
    }

    /**
     * 1,000 load files, and times {@code opentsm.soak} in a soak, whose methods have other instructions: of the same
     * length, so that what stands behind them is read as before, and mostly with operands of the same kind.
     */
    @Test
    void otherInstructionsNeverReachTheJvm() {
        List<byte[]> corpus = good();
        List<List<Integer>> starts = corpus.stream()
                .map(file -> instructions(corpus.get(corpus.indexOf(file) % 2), file))
                .toList();
        long seed = Long.getLong("fuzz.seed", 11);
        int rounds = 1_000 * Integer.getInteger("opentsm.soak", 1);
        long linked = IntStream.range(0, rounds)
                .parallel()
                .filter(round -> {
                    int which = round % corpus.size();
                    return links(exchanged(corpus.get(which), starts.get(which), new Random(seed + round)));
                })
                .count();
        assertTrue(linked > rounds / 100 && linked < rounds, "linked " + linked);
    }

    /** Where each instruction begins in a load file; the described one has the same methods, and a Descriptor. */
    private static List<Integer> instructions(byte[] described, byte[] file) {
        CapFile cap = CapFile.readLoadFile(described);
        byte[] component = cap.component(ComponentTag.METHOD).orElseThrow().toBytes();
        int at = Bytes.find(file, java.util.HexFormat.of().withUpperCase().formatHex(component)) + 3;
        MethodComponent methods = cap.methods();
        return cap.descriptor().orElseThrow().classes().stream()
                .flatMap(type -> type.methods().stream())
                .filter(method -> method.methodOffset() != 0 && method.bytecodeCount() > 0)
                .map(method -> methods.methodAt(method.methodOffset(), method.bytecodeCount()))
                .flatMap(method -> Instruction.decodeAll(method.code()).stream()
                        .map(instruction -> at + method.codeOffset() + instruction.offset()))
                .toList();
    }

    private static byte[] exchanged(byte[] good, List<Integer> starts, Random random) {
        byte[] copy = good.clone();
        for (int i = 0; i <= random.nextInt(3); i++) {
            int at = starts.get(random.nextInt(starts.size()));
            Opcode now = Opcodes.of(copy[at] & 0xFF).orElseThrow();
            if (now.isSwitch()) {
                continue;
            }
            boolean alike = random.nextInt(4) != 0;
            List<Opcode> others = IntStream.range(0, 256)
                    .mapToObj(Opcodes::of)
                    .flatMap(java.util.Optional::stream)
                    .filter(other -> !other.isSwitch() && other.length() == now.length())
                    .filter(other -> !alike || other.operands().equals(now.operands()))
                    .toList();
            copy[at] = (byte) others.get(random.nextInt(others.size())).value();
            if (now.length() > 1 && random.nextInt(4) == 0) {
                copy[at + now.length() - 1] += (byte) (random.nextInt(5) - 2);
            }
        }
        return copy;
    }

    /** A few bytes changed, now and then a piece cut out, doubled or moved. */
    private static byte[] damaged(byte[] good, Random random) {
        byte[] copy = good.clone();
        for (int i = 0; i <= random.nextInt(3); i++) {
            int at = 20 + random.nextInt(copy.length - 20);
            copy[at] = (byte) (random.nextBoolean() ? random.nextInt(256) : copy[at] + random.nextInt(5) - 2);
        }
        int from = 20 + random.nextInt(copy.length - 40);
        int length = random.nextInt(20);
        return switch (random.nextInt(12)) {
            case 0 -> java.util.Arrays.copyOf(copy, from);
            case 1 -> {
                System.arraycopy(good, from, copy, 20 + random.nextInt(copy.length - 40), Math.min(length, 20));
                yield copy;
            }
            default -> copy;
        };
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.opentsm.verifier.TestPackage.PUBLIC;
import static org.opentsm.verifier.TestPackage.STATIC;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.opentsm.cap.Aid;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.CapZip;
import org.opentsm.cap.exp.ExportFile;
import org.opentsm.cap.exp.ExportFileProvider;
import org.opentsm.cap.tool.CapDump;
import org.opentsm.verifier.TestPackage.Method;
import org.opentsm.verifier.TestPackage.TypeSpec;

/**
 * Changed CAPs through reader, writer, dump and verifier: the only failure allowed is CapFormatException, from the
 * reader. A watchdog ends the test when one case hangs. Seed by system property fuzz.seed.
 */
class FuzzTest {
    /** {@code npm run soak} multiplies them. */
    private static final int CASES = 5_000 * Integer.getInteger("opentsm.soak", 1);

    private static final long CASE_LIMIT_MS = 20_000;
    private static final long SEED = Long.getLong("fuzz.seed", 20261122L);

    private final AtomicInteger current = new AtomicInteger();
    private int refused;
    private int faulty;
    private int clean;

    /** Our kit's packages, and the CAPs of the repository's applets when they are built. */
    private static List<byte[]> corpus() throws IOException {
        List<byte[]> caps = new ArrayList<>();
        caps.add(new SoundPackage().p.build().toZip());
        caps.add(busyPackage().toZip());
        Path built = Path.of("../../../build/cap");
        if (Files.isDirectory(built)) {
            try (Stream<Path> files = Files.list(built)) {
                for (Path file : files.filter(f -> f.toString().endsWith(".cap"))
                        .sorted()
                        .toList()) {
                    caps.add(Files.readAllBytes(file));
                }
            }
        }
        return caps;
    }

    /** Methods with all kinds of control flow. */
    private static CapFile busyPackage() {
        TestPackage p = new TestPackage();
        p.headerFlags = 1;
        TypeSpec t = p.clazz();
        p.objectInit();
        t.method(PUBLIC | TestPackage.INIT, 0, "()V", 1, 0, "aload_0; invokespecial 0; return");
        p.classConstant(TestPackage.THROWABLE);
        Method guarded = t.method(
                PUBLIC | STATIC,
                1,
                "([BS)S",
                3,
                3,
                "a: aload_0; sload_1; baload; sstore_2; b: jsr s; sload_2; sreturn;"
                        + " h: astore_3; jsr s; aload_3; athrow; s: astore 4; ret 4");
        guarded.handler("a", "b", "h", 1);
        t.method(
                PUBLIC | STATIC,
                2,
                "(SI)I",
                6,
                4,
                "l: sload_0; stableswitch e 0 2 e f l; e: iload_1; istore 5; goto g;"
                        + "f: iload_1; ilookupswitch e 2 -5 l 70000 g;"
                        + " g: sinc 0 -1; sload_0; ifgt l; iload 5; iload_1; iadd; ireturn"
                                .replace("iload 5", "iload_1"));
        p.callStatic(guarded);
        t.method(
                PUBLIC | STATIC,
                3,
                "([B)S",
                4,
                1,
                "aload_0; sconst_0; invokestatic 2; dup; dup_x 0x12; sadd; sadd; sstore_1; sload_1; sreturn");
        return p.build();
    }

    @Test
    void changedCapsDoNoHarm() throws Exception {
        List<byte[]> corpus = corpus();
        for (byte[] cap : corpus) {
            List<Finding> findings = Verifier.verify(CapFile.read(cap), Exports.ALL);
            assertTrue(
                    findings.stream().noneMatch(f -> f.severity() == Severity.ERROR) || corpus.indexOf(cap) > 1,
                    findings::toString);
        }
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread worker = new Thread(
                () -> {
                    try {
                        runAll(corpus);
                    } catch (Throwable e) {
                        failure.set(e);
                    }
                },
                "fuzz");
        worker.setDaemon(true);
        worker.start();
        int last = -1;
        while (worker.isAlive()) {
            worker.join(CASE_LIMIT_MS);
            int now = current.get();
            assertTrue(!worker.isAlive() || now != last, () -> "case " + now + " of seed " + SEED + " hangs");
            last = now;
        }
        if (failure.get() != null) {
            throw new AssertionError("case " + current.get() + " of seed " + SEED, failure.get());
        }
        System.out.println("fuzz seed " + SEED + ": " + refused + " refused by the reader, " + faulty
                + " by the verifier, " + clean + " harmless");
        assertTrue(refused > CASES / 100 && faulty > CASES / 10, "the changes must reach both reader and verifier");
    }

    private void runAll(List<byte[]> corpus) throws IOException {
        for (int i = 0; i < CASES; i++) {
            current.set(i);
            Random random = new Random(SEED + i);
            // Large CAPs cost more; most cases go to the small ones.
            byte[] original = corpus.get(random.nextInt(20) == 0 ? random.nextInt(corpus.size()) : random.nextInt(2));
            oneCase(changed(original, random), random.nextInt(4) == 0, random.nextInt(50) == 0);
        }
    }

    private void oneCase(byte[] bytes, boolean write, boolean dump) throws IOException {
        CapFile cap;
        try {
            cap = CapFile.read(bytes);
        } catch (CapFormatException e) {
            refused++;
            return;
        }
        if (write) {
            assertArrayEquals(
                    cap.loadFileDataBlock(true), CapFile.read(cap.toZip()).loadFileDataBlock(true));
        }
        if (dump) {
            CapDump.dump(cap, Exports.ALL, new StringBuilder());
        }
        boolean errors = Verifier.verify(cap, Exports.ALL).stream().anyMatch(f -> f.severity() == Severity.ERROR);
        faulty += errors ? 1 : 0;
        clean += errors ? 0 : 1;
    }

    private static byte[] changed(byte[] zip, Random random) {
        if (random.nextInt(20) == 0) {
            return flipped(zip, random);
        }
        if (random.nextInt(20) == 0) {
            return flipped(CapFile.read(zip).loadFileDataBlock(true), random);
        }
        List<CapZip.Item> items = new ArrayList<>(CapZip.read(zip));
        for (int changes = random.nextInt(3); changes >= 0; changes--) {
            int at = byWeight(items, random);
            CapZip.Item item = items.get(at);
            byte[] content = item.content();
            if (content.length > 3 && item.name().endsWith(".cap")) {
                content = random.nextInt(12) == 0 ? resized(content, random) : flipped(content, random);
            }
            items.set(at, new CapZip.Item(item.name(), content));
        }
        if (random.nextInt(50) == 0) {
            items.remove(random.nextInt(items.size()));
        }
        return CapZip.write(items);
    }

    /** Large components are chosen more often: most rules are about Method, Class, ConstantPool and Descriptor. */
    private static int byWeight(List<CapZip.Item> items, Random random) {
        int place = random.nextInt(
                items.stream().mapToInt(item -> item.content().length).sum());
        int at = 0;
        while (place >= items.get(at).content().length) {
            place -= items.get(at++).content().length;
        }
        return at;
    }

    /** Overwrites a few bytes, mostly with small or extreme values, which reach further than noise. */
    private static byte[] flipped(byte[] bytes, Random random) {
        byte[] result = bytes.clone();
        int first = Math.min(3, result.length - 1);
        for (int count = random.nextInt(4); count >= 0; count--) {
            int at = random.nextInt(30) == 0
                    ? random.nextInt(result.length)
                    : first + random.nextInt(result.length - first);
            result[at] = switch (random.nextInt(4)) {
                case 0 -> (byte) random.nextInt();
                case 1 -> (byte) (result[at] + random.nextInt(5) - 2);
                case 2 -> (byte) (result[at] ^ 1 << random.nextInt(8));
                default -> new byte[] {0, 1, 0x7F, -1, -128}[random.nextInt(5)];
            };
        }
        return result;
    }

    /** Cuts bytes out or puts some in, size field corrected. */
    private static byte[] resized(byte[] content, Random random) {
        int at = 3 + random.nextInt(content.length - 3);
        int delta = random.nextInt(9) - 4;
        int tail = Math.max(0, content.length - at - Math.max(0, -delta));
        byte[] result = Arrays.copyOf(content, at + Math.max(0, delta) + tail);
        System.arraycopy(content, content.length - tail, result, result.length - tail, tail);
        result[1] = (byte) (result.length - 3 >> 8);
        result[2] = (byte) (result.length - 3);
        return result;
    }

    @Test
    void changedExportFilesDoNoHarm() {
        CapFile cap = new SoundPackage().p.build();
        CapFile busy = busyPackage();
        int read = 0;
        int cases = CASES / 5;
        for (int i = 0; i < cases; i++) {
            Random random = new Random(SEED + i);
            byte[] lang = flipped(Exports.LANG.toBytes(), random);
            byte[] framework = flipped(Exports.FRAMEWORK.toBytes(), random);
            List<ExportFile> files = new ArrayList<>();
            for (byte[] bytes : List.of(lang, framework)) {
                try {
                    files.add(ExportFile.read(bytes));
                    read++;
                } catch (CapFormatException e) {
                    continue;
                }
            }
            ExportFileProvider exports = (aid, major, minor) ->
                    files.stream().filter(f -> f.aid().equals(new Aid(aid))).findFirst();
            Verifier.verify(cap, exports);
            Verifier.verify(busy, exports);
        }
        assertTrue(read > cases / 3, "only " + read + " changed export files could be read");
    }

    @Test
    void subroutinesThatCallTwoMoreEachEndWithinTheBound() {
        StringBuilder code = new StringBuilder("jsr s0; return; ");
        for (int k = 0; k < 60; k++) {
            code.append("s" + k + ": astore " + (k + 1) + "; ")
                    .append(k < 59 ? ("jsr s" + (k + 1) + "; ").repeat(2) : "")
                    .append("ret " + (k + 1) + "; ");
        }
        assertTooComplex(code.toString(), 2, 61);
    }

    @Test
    void thousandsOfBranchesOverManyLocalsEndWithinTheBound() {
        // Each of 240 locals loses its type in another round of the loop, and every round passes 2,500 merge points.
        StringBuilder code = new StringBuilder();
        for (int k = 1; k < 240; k++) {
            code.append("aload_0; astore " + k + "; ");
        }
        code.append("loop: ");
        for (int k = 239; k > 1; k--) {
            code.append("aload_0; ifnull a" + k + "; goto b" + k + "; a" + k + ": aload_0; astore_1; b" + k + ": ");
        }
        for (int k = 0; k < 2500; k++) {
            code.append("aload_0; ifnull c" + k + "; c" + k + ": ");
        }
        for (int k = 239; k > 1; k--) {
            code.append("aload " + (k - 1) + "; astore " + k + "; ");
        }
        code.append("sconst_0; sstore_1; aload_0; ifnull_w loop; return");
        List<Finding> findings = verifyMethod(code.toString(), 3, 250);
        assertTrue(
                findings.stream()
                        .allMatch(
                                f -> f.rule().equals("too-complex") || f.rule().equals("local-type")),
                findings::toString);
        assertTrue(!findings.isEmpty());
    }

    private static void assertTooComplex(String code, int maxStack, int maxLocals) {
        List<Finding> findings = verifyMethod(code, maxStack, maxLocals);
        assertTrue(findings.stream().anyMatch(f -> f.rule().equals("too-complex")), findings::toString);
    }

    private static List<Finding> verifyMethod(String code, int maxStack, int maxLocals) {
        TestPackage p = new TestPackage();
        TypeSpec t = p.clazz();
        t.method(PUBLIC | STATIC, 0, "(L8100;)V", maxStack, maxLocals, code);
        return Verifier.verify(p.build(), Exports.ALL);
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.tree.ClassNode;
import org.opentsm.cap.Aid;
import org.opentsm.cap.CapVersion;
import org.opentsm.cap.exp.ExportFile;

/** Public Java Card idioms over several packages, and our own applets. */
class IdiomTest {
    private static final Aid LIB = Aid.ofHex("A00000007302");

    private static ConverterInput.Builder builder(String packageName, Aid aid, Map<String, byte[]> classes) {
        ConverterInput.Builder result =
                ConverterInput.builder(packageName, aid, 1, 2).exports(Fixture.exports("3.0.5"));
        classes.values().forEach(result::classFile);
        return result;
    }

    private static final String[] LIBRARY = {
        "package lib; public abstract class Base extends javacard.framework.Applet { protected byte[] buffer; public short count; short hidden; private byte own;"
                + " public static short total; public static final short MAX = 300; protected Base() { buffer = new byte[5]; }"
                + " protected abstract void handle(byte[] b, short length); public short twice(short a) { return (short) (2 * a); }"
                + " void packageOnly() { hidden++; own++; } public static short helper(short a, byte b) { return (short) (a + b); } }",
        "package lib; public interface Top extends javacard.framework.Shareable { short top(); }",
        "package lib; public interface Left extends Top { short left(short a); }",
        "package lib; public interface Right extends Top { void right(); short top(); }",
        "package lib; public class Failure extends javacard.framework.CardRuntimeException { public Failure(short r) { super(r); }"
                + " public static void throwIt(short r) { throw new Failure(r); } }"
    };

    private static final String[] USER = {
        "package app; import javacard.framework.*; import lib.*; public class App extends Base implements Both { short packageOnly; Inner inner;"
                + " public static void install(byte[] b, short o, byte l) { new App().register(b, (short) (o + 1), b[o]); }"
                + " App() { inner = new Inner(); count = MAX; total += count; buffer[0] = 3; }"
                + " void packageOnly() { packageOnly++; } protected void handle(byte[] b, short length) { twice(length); super.twice(helper(length, b[0])); inner.run(); }"
                + " public short twice(short a) { return (short) (super.twice(a) + 1); } public short top() { return 1; } public short left(short a) { return a; } public void right() { }"
                + " public short both() { return count; }"
                + " public Shareable getShareableInterfaceObject(AID client, byte p) { return p == 0 ? this : null; }"
                + " public void process(APDU apdu) { if (selectingApplet()) return; byte[] b = apdu.getBuffer(); try { switch (b[ISO7816.OFFSET_INS]) {"
                + " case (byte) 0xA4: handle(b, apdu.setIncomingAndReceive()); break; case 0x10: apdu.setOutgoingAndSend((short) 0, (short) 2); break;"
                + " case 0x20: Failure.throwIt(ISO7816.SW_WRONG_DATA); default: ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED); } }"
                + " catch (Failure e) { ISOException.throwIt(e.getReason()); } finally { Util.arrayFillNonAtomic(b, (short) 0, (short) 5, (byte) 0); } }"
                + " Both client(AID server) { Object o = JCSystem.getAppletShareableInterfaceObject(server, (byte) 0); Left l = (Left) o; l.left((short) 1); Both q = (Both) o; q.right(); q.top(); return q; }"
                + " class Inner { void run() { packageOnly(); handleAgain(); } private void handleAgain() { count--; } } }",
        "package app; public interface Both extends lib.Left, lib.Right { short both(); }"
    };

    @Test
    void inheritanceAndDiamondsAcrossPackages() {
        Map<String, byte[]> library = Fixture.compile(LIBRARY);
        ExportFile lib = Fixture.convert(builder("lib", LIB, library)).exp().orElseThrow();
        Map<String, byte[]> user = Fixture.compile("3.0.5", library, List.of("--release", "8", "-g"), USER);
        ConverterResult result = Fixture.convert(
                builder("app", Fixture.PACKAGE_AID, user).applet(Fixture.APPLET_AID, "App"), List.of(lib));
        RawCap cap = new RawCap(result.cap().orElseThrow().toZip());
        assertTrue(cap.imports.contains(LIB + " 1.2"), cap.imports.toString());
        RawCap.Type app = cap.types.values().stream()
                .filter(t -> !t.isInterface && t.interfaces.size() > 0)
                .findFirst()
                .orElseThrow();
        // Base: handle 8, twice 9 behind Applet's 7; new public ones top 10, left 11, right 12, both 13
        assertEquals(5, app.publicBase);
        assertEquals(9, app.publicTable.length);
        // Shareable, Top, Left, Right, Both; Both flattened: top 0, left 1, right 2, both 3
        assertEquals(5, app.interfaces.size());
        assertArrayEquals(new int[] {10, 11, 12, 13}, app.interfaces.get(4).index());
        assertArrayEquals(new int[] {10, 12}, app.interfaces.get(3).index());
        // packageOnly does not override the one of the other package; client follows it
        assertEquals(0, app.packageBase);
        assertEquals(2, app.packageTable.length);
        assertEquals(1, result.exp().orElseThrow().classes().size());
        assertEquals(4, result.exp().orElseThrow().classes().get(0).methods().size());
    }

    @Test
    void everyFormatAndLevelVerifies() {
        Map<String, byte[]> library = Fixture.compile(LIBRARY);
        for (CapVersion version : CapVersion.values()) {
            ExportFile lib = Fixture.convert(
                            builder("lib", LIB, library).capVersion(version).level("2.2.1"))
                    .exp()
                    .orElseThrow();
            Map<String, byte[]> user = Fixture.compile("3.0.5", library, List.of("--release", "8"), USER);
            new RawCap(Fixture.convert(
                            builder("app", Fixture.PACKAGE_AID, user)
                                    .applet(Fixture.APPLET_AID, "app.App")
                                    .capVersion(version)
                                    .debug(true),
                            List.of(lib))
                    .cap()
                    .orElseThrow()
                    .toZip());
        }
    }

    @Test
    void exportFilesReadBackEqual() {
        ExportFile lib = Fixture.convert(builder("lib", LIB, Fixture.compile(LIBRARY)))
                .exp()
                .orElseThrow();
        assertEquals(
                Fixture.hex(lib.toBytes()),
                Fixture.hex(ExportFile.read(lib.toBytes()).toBytes()));
        var base = lib.classByName("lib/Base").orElseThrow();
        assertEquals(List.of("java/lang/Object", "javacard/framework/Applet"), base.superclasses());
        assertEquals(
                7,
                base.method("process", "(Ljavacard/framework/APDU;)V")
                        .orElseThrow()
                        .token());
        assertEquals(8, base.method("handle", "([BS)V").orElseThrow().token());
        assertTrue(base.field("hidden").isEmpty());
        var right = lib.classByName("lib/Right").orElseThrow();
        assertEquals(List.of("javacard/framework/Shareable", "lib/Top"), right.interfaces());
        assertTrue(right.isShareable());
    }

    /** Damaged export files end in an error of the reader or of the converter, or change nothing that matters. */
    @Test
    void mutatedExportFilesNeverCrash() {
        Map<String, byte[]> library = Fixture.compile(LIBRARY);
        byte[] good = Fixture.convert(builder("lib", LIB, library))
                .exp()
                .orElseThrow()
                .toBytes();
        Map<String, byte[]> user = Fixture.compile("3.0.5", library, List.of("--release", "8"), USER);
        java.util.Random random = new java.util.Random(3);
        int refused = 0;
        for (int round = 0; round < 400; round++) {
            byte[] copy = good.clone();
            for (int i = 0; i <= random.nextInt(3); i++) {
                copy[random.nextInt(copy.length)] = (byte) random.nextInt(random.nextBoolean() ? 8 : 256);
            }
            try {
                ExportFile lib = ExportFile.read(copy);
                ConverterInput.Builder input = builder("app", Fixture.PACKAGE_AID, user)
                        .applet(Fixture.APPLET_AID, "App")
                        .exports(List.of(lib));
                refused += Converter.convert(input.build()).succeeded() ? 0 : 1;
            } catch (org.opentsm.cap.CapFormatException e) {
                refused++;
            }
        }
        assertTrue(refused > 100 && refused < 400, "refused " + refused);
    }

    @Test
    void theListingNamesWhatInstructionsReferTo() {
        String text = Fixture.convert(
                        builder("lib", LIB, Fixture.compile(LIBRARY)).listing(true))
                .listing()
                .orElseThrow();
        assertTrue(
                text.contains("invokespecial javacard.framework.Applet.<init>()V") && text.contains("class lib.Base"),
                text);
    }

    // ---- our own applets ----

    private static Map<String, byte[]> compileFolder(String level, Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            List<String> sources = new ArrayList<>();
            for (Path file : files.filter(p -> p.toString().endsWith(".java") && !p.endsWith("package-info.java"))
                    .sorted()
                    .toList()) {
                sources.add(Files.readString(file));
            }
            return Fixture.compile(level, Map.of(), List.of("--release", "8", "-g"), sources.toArray(String[]::new));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Classes an applet entry can name: not abstract, with install of their own. */
    private static List<String> applets(Map<String, byte[]> classes) {
        List<String> result = new ArrayList<>();
        new TreeMap<>(classes).forEach((name, bytes) -> {
            ClassNode node = new ClassNode();
            new ClassReader(bytes).accept(node, ClassReader.SKIP_CODE);
            boolean installs =
                    node.methods.stream().anyMatch(m -> m.name.equals("install") && m.desc.equals("([BSB)V"));
            if (installs && (node.access & Opcodes.ACC_ABSTRACT) == 0) {
                result.add(name);
            }
        });
        return result;
    }

    /** The one number for card, toolchain and converter: applet/README.md 8 says what for. */
    private static int budget() throws IOException {
        String json = Files.readString(Path.of(System.getProperty("basedir", "."), "../../../applet/budget.json"));
        Matcher found = Pattern.compile("\"securitydomain\":\\s*(\\d+)").matcher(json);
        assertTrue(found.find(), json);
        return Integer.parseInt(found.group(1));
    }

    @Test
    void securityDomainConvertsWithinItsBudget() throws IOException {
        Path folder = Path.of(System.getProperty("basedir", "."), "../../../applet/securitydomain/src")
                .normalize();
        for (String level : List.of("3.0.4", "3.0.5")) {
            Map<String, byte[]> classes = compileFolder(level, folder);
            List<String> applets = applets(classes);
            assertTrue(applets.size() >= 3, applets.toString());
            ConverterInput.Builder builder = ConverterInput.builder(
                            "org.opentsm.securitydomain", Fixture.PACKAGE_AID, 1, 0)
                    .exports(Fixture.exports(level))
                    .level(level);
            classes.values().forEach(builder::classFile);
            for (int i = 0; i < applets.size(); i++) {
                builder.applet(Aid.ofHex(Fixture.PACKAGE_AID + "0" + (i + 1)), applets.get(i));
            }
            ConverterResult result = Fixture.convert(builder);
            new RawCap(result.cap().orElseThrow().toZip());
            int size = result.cap().orElseThrow().loadFileDataBlock(true).length;
            assertTrue(size <= budget(), "the security domain has " + size + " bytes");
        }
    }
}

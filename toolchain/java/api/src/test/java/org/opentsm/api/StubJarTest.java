// SPDX-License-Identifier: Apache-2.0
package org.opentsm.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.FieldVisitor;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;

class StubJarTest {
    private static final String IDIOMS =
            """
            package demo;
            import javacard.framework.*;
            import javacard.security.*;
            import javacardx.crypto.*;
            import org.globalplatform.*;
            public class Demo extends Applet implements Shareable, MultiSelectable, ExtendedProbe {
                private final OwnerPIN pin = new OwnerPIN((byte) 3, (byte) 8);
                private final byte[] ram = JCSystem.makeTransientByteArray((short) 16, JCSystem.CLEAR_ON_DESELECT);
                private final Key key = KeyBuilder.buildKey(KeyBuilder.TYPE_AES, KeyBuilder.LENGTH_AES_128, false);
                private final Cipher cipher = Cipher.getInstance(Cipher.ALG_AES_BLOCK_128_CBC_NOPAD, false);
                public static void install(byte[] b, short o, byte l) { new Demo().register(b, (short) (o + 1), b[o]); }
                public boolean select(boolean already) { return true; }
                public void deselect(boolean still) { }
                public void process(APDU apdu) {
                    byte[] buffer = apdu.getBuffer();
                    if (selectingApplet()) { return; }
                    switch (buffer[ISO7816.OFFSET_INS]) {
                        case (byte) 0x20:
                            SecureChannel channel = GPSystem.getSecureChannel();
                            if ((channel.getSecurityLevel() & SecureChannel.AUTHENTICATED) == 0) {
                                ISOException.throwIt(ISO7816.SW_SECURITY_STATUS_NOT_SATISFIED);
                            }
                            try { UserException.throwIt((short) 1); } catch (UserException e) { Util.setShort(ram, (short) 0, e.getReason()); }
                            ((AESKey) key).setKey(ram, (short) 0);
                            cipher.init(key, Cipher.MODE_ENCRYPT);
                            break;
                        default:
                            ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
                    }
                    GPRegistryEntry entry = GPSystem.getRegistryEntry(null);
                    if (entry.isPrivileged(GPRegistryEntry.PRIVILEGE_CARD_LOCK)) { GPSystem.lockCard(); }
                }
            }
            interface ExtendedProbe extends javacardx.apdu.ExtendedLength { }
            """;

    private static String compile(Path folder, ApiLevel level, String source) throws IOException {
        Path jar = folder.resolve("stubs.jar");
        StubJar.write(level, jar);
        Path file = folder.resolve("Demo.java");
        Files.writeString(file, source);
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StringWriter messages = new StringWriter();
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
            boolean good = compiler.getTask(
                            messages,
                            files,
                            null,
                            List.of(
                                    "--release",
                                    "8",
                                    "-Xlint:-options",
                                    "-cp",
                                    jar.toString(),
                                    "-d",
                                    folder.toString()),
                            null,
                            files.getJavaFileObjects(file))
                    .call();
            return good ? "" : messages.toString();
        }
    }

    @Test
    void compilesTheCommonIdioms(@TempDir Path folder) throws IOException {
        assertEquals("", compile(folder, ApiLevel.of("3.0.4"), IDIOMS));
        assertEquals("", compile(folder, ApiLevel.of("2.2.2"), IDIOMS));
    }

    @Test
    void constantsKeepTheirTypesInMethodArguments(@TempDir Path folder) throws IOException {
        assertEquals(
                "",
                compile(
                        folder,
                        ApiLevel.of("3.0.5"),
                        """
                package demo;
                import javacardx.crypto.Cipher;
                class Demo {
                    Cipher cipher = Cipher.getInstance(Cipher.CIPHER_AES_CBC, Cipher.PAD_NOPAD, false);
                    Object open() { return Cipher.OneShot.open(Cipher.CIPHER_AES_ECB, Cipher.PAD_NOPAD); }
                    void event(uicc.toolkit.ToolkitRegistry r) { r.setEvent(uicc.toolkit.ToolkitConstants.EVENT_MENU_SELECTION); }
                    void pro(uicc.toolkit.ProactiveHandler h) {
                        h.init(uicc.toolkit.ToolkitConstants.PRO_CMD_DISPLAY_TEXT, (byte) 0, uicc.toolkit.ToolkitConstants.DEV_ID_DISPLAY);
                    }
                }
                """));
    }

    @Test
    void aClassNewerThanTheLevelDoesNotCompile(@TempDir Path folder) throws IOException {
        String messages = compile(
                folder,
                ApiLevel.of("3.0.4"),
                """
                package demo;
                class Demo { short f(byte[] b) { return javacard.framework.Util.arrayFill(b, (short) 0, (short) 1, (byte) 2); } }
                """);
        assertTrue(messages.contains("arrayFill"), messages);
    }

    @Test
    void theSameLevelGivesTheSameBytes(@TempDir Path folder) throws IOException {
        StubJar.write(ApiLevel.of("3.0.5"), folder.resolve("a.jar"));
        StubJar.write(ApiLevel.of("3.0.5"), folder.resolve("b.jar"));
        assertArrayEquals(Files.readAllBytes(folder.resolve("a.jar")), Files.readAllBytes(folder.resolve("b.jar")));
    }

    @Test
    void agreesWithAnIndependentImplementationOfTheApi() throws IOException {
        ApiIndex index = new ApiIndex(ApiLevel.of("3.0.5"));
        Set<String> missing = new TreeSet<>();
        int compared = 0;
        for (ApiPackage one : Declarations.all().packages()) {
            if (!one.name().startsWith("javacard")
                    || index.level().versionOf(one.name()).isEmpty()) {
                continue;
            }
            for (ApiClass apiClass : one.classes()) {
                if (!index.has(apiClass)) {
                    continue;
                }
                Map<String, Object> theirs = membersOf(apiClass.name());
                for (ApiMember member : apiClass.declared()) {
                    if (index.has(member)) {
                        compared++;
                        Object found = theirs.get(member.name() + member.descriptor());
                        if (found == null
                                || member.constant() != null
                                        && !member.constant().equals(found)) {
                            missing.add(member.display());
                        }
                    }
                }
            }
        }
        assertTrue(compared > 1000, "compared " + compared);
        assertEquals(KNOWN_DIFFERENCES, missing);
    }

    /** Members their jar lacks; counted here so that the list cannot grow in silence. */
    private static final Set<String> KNOWN_DIFFERENCES =
            new TreeSet<>(Set.of("javacard.framework.UserException.<init>()V"));

    private static Map<String, Object> membersOf(String name) throws IOException {
        Map<String, Object> members = new HashMap<>();
        Set<String> open = new HashSet<>();
        collect(name, members, open);
        return members;
    }

    private static void collect(String name, Map<String, Object> members, Set<String> seen) throws IOException {
        if (name == null || name.startsWith("java/") || !seen.add(name)) {
            return;
        }
        try (InputStream in = StubJarTest.class.getResourceAsStream("/" + name + ".class")) {
            if (in == null) {
                return;
            }
            ClassReader reader = new ClassReader(in);
            reader.accept(
                    new ClassVisitor(Opcodes.ASM9) {
                        @Override
                        public MethodVisitor visitMethod(
                                int access, String method, String descriptor, String signature, String[] thrown) {
                            members.putIfAbsent(method + descriptor, true);
                            return null;
                        }

                        @Override
                        public FieldVisitor visitField(
                                int access, String field, String descriptor, String signature, Object value) {
                            members.putIfAbsent(field + descriptor, value == null ? true : value);
                            return null;
                        }
                    },
                    ClassReader.SKIP_CODE);
            collect(reader.getSuperName(), members, seen);
            for (String above : reader.getInterfaces()) {
                collect(above, members, seen);
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.card;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.FieldVisitor;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.opentsm.api.ApiClass;
import org.opentsm.api.ApiMember;
import org.opentsm.api.ApiPackage;
import org.opentsm.api.Declarations;

/**
 * Which of the declared classes and members of the API the card has, by looking for each: the list of the README.
 * {@code java -cp "target/classes:target/lib/*" org.opentsm.simulator.card.ApiTable ../README.md} writes it there.
 */
public final class ApiTable {

    static final String BEGIN = "<!-- api: written by ApiTable -->";
    static final String END = "<!-- end of api -->";
    private static final int COLUMN = 118;

    private static final Map<String, Set<String>> FACES = new HashMap<>();

    private ApiTable() {}

    public static void main(String[] arguments) throws IOException {
        Path readme = Path.of(arguments[0]);
        Files.writeString(readme, inserted(Files.readString(readme)), StandardCharsets.UTF_8);
    }

    /** The document with the list of now between the two marks. */
    static String inserted(String document) {
        int begin = document.indexOf(BEGIN);
        int end = document.indexOf(END);
        if (begin < 0 || end < begin) {
            throw new IllegalStateException("the document has no place for the list: " + BEGIN + " and " + END);
        }
        return document.substring(0, begin + BEGIN.length()) + "\n" + table() + document.substring(end);
    }

    static String table() {
        int classes = 0;
        int members = 0;
        List<String> missing = new ArrayList<>();
        for (ApiPackage apiPackage : Declarations.all().packages()) {
            for (ApiClass apiClass : apiPackage.classes()) {
                classes++;
                Set<String> has = face(apiClass.name());
                if (has == null) {
                    missing.add(apiClass.name().replace('/', '.'));
                    continue;
                }
                for (ApiMember member : apiClass.declared()) {
                    boolean linked = member.kind() != ApiMember.Kind.CONSTANT;
                    members += linked ? 1 : 0;
                    if (linked && !has.contains(member.name() + member.descriptor())) {
                        missing.add(
                                apiClass.name().substring(apiClass.name().lastIndexOf('/') + 1) + "." + member.name());
                    }
                }
            }
        }
        String names = String.join(", ", missing.stream().distinct().toList());
        String text = Declarations.all().packages().size() + " packages, " + classes + " classes and " + members
                + " members are declared; " + (names.isEmpty() ? "none is missing" : "not there: " + names) + ".";
        return wrapped(text);
    }

    /** Whether a class is there and has the member, by name and descriptor. */
    static boolean has(String className, String member) {
        Set<String> members = face(className);
        return members != null && members.contains(member);
    }

    private static String wrapped(String text) {
        StringBuilder out = new StringBuilder();
        int column = 0;
        for (String word : text.split(" ")) {
            if (column + word.length() + 1 > COLUMN) {
                out.append('\n');
                column = 0;
            }
            out.append(column == 0 ? "" : " ").append(word);
            column += word.length() + 1;
        }
        return out.append('\n').toString();
    }

    /** Names and descriptors of a class's members with inherited ones; null when there is no such class. */
    private static Set<String> face(String name) {
        return FACES.computeIfAbsent(name, ApiTable::read);
    }

    private static Set<String> read(String name) {
        Set<String> members = new HashSet<>();
        return collect(name, members) ? members : null;
    }

    private static boolean collect(String name, Set<String> members) {
        try (InputStream in = ApiTable.class.getClassLoader().getResourceAsStream(name + ".class")) {
            if (in == null) {
                return false;
            }
            new ClassReader(in)
                    .accept(
                            new ClassVisitor(Opcodes.ASM9) {
                                @Override
                                public void visit(
                                        int version,
                                        int access,
                                        String own,
                                        String signature,
                                        String superName,
                                        String[] interfaces) {
                                    if (superName != null) {
                                        collect(superName, members);
                                    }
                                    for (String above : interfaces) {
                                        collect(above, members);
                                    }
                                }

                                @Override
                                public FieldVisitor visitField(
                                        int access, String field, String descriptor, String signature, Object value) {
                                    members.add(field + descriptor);
                                    return null;
                                }

                                @Override
                                public MethodVisitor visitMethod(
                                        int access,
                                        String method,
                                        String descriptor,
                                        String signature,
                                        String[] exceptions) {
                                    members.add(method + descriptor);
                                    return null;
                                }
                            },
                            ClassReader.SKIP_CODE | ClassReader.SKIP_DEBUG | ClassReader.SKIP_FRAMES);
            return true;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}

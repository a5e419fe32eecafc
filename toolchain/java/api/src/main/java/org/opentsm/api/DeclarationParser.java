// SPDX-License-Identifier: Apache-2.0
package org.opentsm.api;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.opentsm.cap.Aid;

/**
 * Reads one declaration file. Lines:
 * <pre>
 * package NAME AID
 * level JAVA-CARD-LEVEL VERSION            one per level, or
 * versions VERSION...                      for packages versioned apart from Java Card
 * class TOKEN [abstract] [final] [shareable] [remote] NAME [extends C] [implements I...] [@VERSION]
 * interface TOKEN [shareable] [remote] NAME [implements I...] [@VERSION]
 *   static|virtual|method|field TOKEN [protected] [final] [abstract] NAME DESCRIPTOR [@VERSION]
 *   const TYPE NAME VALUE [@VERSION]
 * </pre>
 * Only own members are listed. An interface that numbers inherited methods out of the usual order lists all of them.
 */
final class DeclarationParser {
    private static final Map<String, String> CONSTANT_TYPES =
            Map.of("boolean", "Z", "byte", "B", "short", "S", "int", "I");

    private final String source;
    private String packageName;
    private Aid aid;
    private final Map<String, Version> levels = new LinkedHashMap<>();
    private final TreeSet<Version> versions = new TreeSet<>();
    private final List<ApiClass> classes = new ArrayList<>();
    private ClassHead head;
    private List<ApiMember> members = new ArrayList<>();

    private record ClassHead(
            String name, int token, int flags, String superName, List<String> interfaces, Version since) {}

    DeclarationParser(String source) {
        this.source = source;
    }

    ApiPackage parse(List<String> lines) {
        int number = 0;
        for (String line : lines) {
            number++;
            try {
                line(line);
            } catch (RuntimeException broken) {
                throw new ApiException(source + " line " + number + ": " + broken.getMessage(), broken);
            }
        }
        endClass();
        versions.addAll(levels.values());
        classes.sort(Comparator.comparingInt(ApiClass::token));
        return new ApiPackage(packageName, aid, levels, List.copyOf(versions), classes);
    }

    private void line(String line) {
        if (line.isBlank() || line.startsWith("#")) {
            return;
        }
        List<String> words = new ArrayList<>(List.of(line.trim().split(" +")));
        switch (words.get(0)) {
            case "package" -> {
                packageName = words.get(1);
                aid = Aid.ofHex(words.get(2));
            }
            case "level" -> levels.put(words.get(1), Version.of(words.get(2)));
            case "versions" -> words.subList(1, words.size()).forEach(text -> versions.add(Version.of(text)));
            case "class", "interface" -> startClass(words);
            case "const" -> constant(words);
            default -> member(words);
        }
    }

    private Version since(List<String> words, Version otherwise) {
        String last = words.get(words.size() - 1);
        if (!last.startsWith("@")) {
            return otherwise;
        }
        words.remove(words.size() - 1);
        return Version.of(last.substring(1));
    }

    private void startClass(List<String> words) {
        endClass();
        Version first = versions.isEmpty()
                ? levels.values().stream().min(Comparator.naturalOrder()).orElseThrow()
                : versions.first();
        Version since = since(words, first);
        boolean isInterface = words.get(0).equals("interface");
        int token = Integer.parseInt(words.get(1));
        int flags = ApiClass.ACC_PUBLIC | (isInterface ? ApiClass.ACC_INTERFACE | ApiClass.ACC_ABSTRACT : 0);
        int next = 2;
        for (; ; next++) {
            int flag = flag(words.get(next));
            if (flag == 0) {
                break;
            }
            flags |= flag;
        }
        String name = packageName + "/" + words.get(next++);
        String superName = name.equals("java/lang/Object") ? null : "java/lang/Object";
        List<String> interfaces = new ArrayList<>();
        boolean inInterfaces = false;
        for (; next < words.size(); next++) {
            switch (words.get(next)) {
                case "extends" -> superName = words.get(++next);
                case "implements" -> inInterfaces = true;
                default -> {
                    if (!inInterfaces) {
                        throw new ApiException("unexpected word " + words.get(next));
                    }
                    interfaces.add(words.get(next));
                }
            }
        }
        head = new ClassHead(name, token, flags, superName, interfaces, since);
    }

    private static int flag(String word) {
        return switch (word) {
            case "protected" -> ApiClass.ACC_PROTECTED;
            case "final" -> ApiClass.ACC_FINAL;
            case "abstract" -> ApiClass.ACC_ABSTRACT;
            case "shareable" -> ApiClass.ACC_SHAREABLE;
            case "remote" -> ApiClass.ACC_REMOTE;
            default -> 0;
        };
    }

    private void endClass() {
        if (head != null) {
            classes.add(new ApiClass(
                    packageName,
                    head.name,
                    head.token,
                    head.flags,
                    head.superName,
                    head.interfaces,
                    head.since,
                    members));
        }
        head = null;
        members = new ArrayList<>();
    }

    private void constant(List<String> words) {
        Version since = since(words, head.since);
        String type = CONSTANT_TYPES.get(words.get(1));
        if (type == null) {
            throw new ApiException("unknown constant type " + words.get(1));
        }
        members.add(new ApiMember(
                ApiMember.Kind.CONSTANT,
                255,
                ApiClass.ACC_PUBLIC | ApiClass.ACC_STATIC | ApiClass.ACC_FINAL,
                head.name,
                words.get(2),
                type,
                since,
                Integer.valueOf(words.get(3))));
    }

    private void member(List<String> words) {
        ApiMember.Kind kind =
                switch (words.get(0)) {
                    case "static" -> ApiMember.Kind.STATIC;
                    case "virtual" -> ApiMember.Kind.VIRTUAL;
                    case "method" -> ApiMember.Kind.INTERFACE;
                    case "field" -> ApiMember.Kind.FIELD;
                    default -> throw new ApiException("unknown line '" + words.get(0) + "'");
                };
        Version since = since(words, head.since);
        int token = Integer.parseInt(words.get(1));
        int flags = 0;
        int next = 2;
        for (int flag; (flag = flag(words.get(next))) != 0; next++) {
            flags |= flag;
        }
        String name = words.get(next);
        if ((flags & ApiClass.ACC_PROTECTED) == 0) {
            flags |= ApiClass.ACC_PUBLIC;
        }
        if (kind == ApiMember.Kind.FIELD || kind == ApiMember.Kind.STATIC && !name.equals("<init>")) {
            flags |= ApiClass.ACC_STATIC;
        }
        if (kind == ApiMember.Kind.INTERFACE) {
            flags |= ApiClass.ACC_ABSTRACT;
        }
        members.add(new ApiMember(kind, token, flags, head.name, name, words.get(next + 1), since, null));
    }
}

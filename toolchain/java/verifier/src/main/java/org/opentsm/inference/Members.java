// SPDX-License-Identifier: Apache-2.0
package org.opentsm.inference;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.ClassComponent;
import org.opentsm.cap.ClassComponent.ClassInfo;
import org.opentsm.cap.ClassComponent.ImplementedInterface;
import org.opentsm.cap.ClassRef;
import org.opentsm.cap.ConstantPoolComponent;
import org.opentsm.cap.ConstantPoolComponent.Entry;
import org.opentsm.cap.PackageInfo;
import org.opentsm.cap.exp.ExportFile;
import org.opentsm.cap.exp.ExportFile.ExportClass;
import org.opentsm.cap.exp.ExportFile.ExportMethod;
import org.opentsm.cap.exp.ExportFileProvider;

/** What references lead to, and the signatures of it: those that override or implement one another are one. */
final class Members {
    private static final int ELSEWHERE = 0xFFFF;
    private static final int MAX_DEPTH = 256;
    private static final int ACC_PROTECTED = 4;
    static final String INSTALL = "([BSB)V";
    final CapFile cap;
    final Kinds kinds = new Kinds();
    final Map<Integer, FoundMethod> methods;
    final Map<Integer, ClassComponent.Entry> classes = new LinkedHashMap<>();
    /** Class that declares the virtual method at an offset, and its token. */
    final Map<Integer, int[]> virtuals = new HashMap<>();
    /** Signatures of our interfaces' methods by class offset and token. */
    final Map<Integer, TreeMap<Integer, Signature>> interfaces = new TreeMap<>();

    private final Map<Integer, Signature> signatures = new HashMap<>();
    private final List<ExportFile> imports = new ArrayList<>();

    Members(CapFile cap, ExportFileProvider exports, Map<Integer, FoundMethod> methods) {
        this.cap = cap;
        this.methods = methods;
        for (PackageInfo wanted : cap.imports().packages()) {
            imports.add(exports.find(wanted.aid().bytes(), wanted.major(), wanted.minor())
                    .orElseThrow(() -> new InferenceException(
                            "the types of package " + wanted + " are not known: it has no export file here")));
        }
        List<Integer> offsets = cap.classes().offsets();
        for (int i = 0; i < offsets.size(); i++) {
            classes.put(offsets.get(i), cap.classes().entries().get(i));
        }
        classes.forEach((offset, entry) -> {
            if (entry instanceof ClassInfo info) {
                declare(offset, info, info.publicTable(), info.publicBase());
                declare(offset, info, info.packageTable(), info.packageBase() | 0x80);
            } else {
                interfaces.put(offset, new TreeMap<>());
            }
        });
        methods.values().forEach(this::addSignature);
        classes.forEach((offset, entry) -> {
            if (entry instanceof ClassInfo info) {
                joinTables(offset, info);
                info.interfaces().forEach(item -> joinInterface(offset, item));
            }
        });
        cap.applet().ifPresent(applets -> applets.applets()
                .forEach(applet -> signature(applet.installOffset()).join(Signature.exact(INSTALL, kinds), kinds)));
    }

    private void declare(int offset, ClassInfo info, List<Integer> table, int base) {
        for (int i = 0; i < table.size(); i++) {
            int target = table.get(i);
            boolean inherited =
                    ClassRef.isInternal(info.superclass()) && resolve(info.superclass(), base + i) == target;
            if (target != ELSEWHERE && !inherited && virtuals.put(target, new int[] {offset, base + i}) != null) {
                throw new InferenceException(String.format("two classes or tokens declare method @%04X", target));
            }
        }
    }

    /** Method offset a virtual token leads to in a class of ours; -1 when it leads to another package or nowhere. */
    int resolve(int classRef, int token) {
        int ref = classRef;
        for (int depth = 0; depth < MAX_DEPTH && ClassRef.isInternal(ref); depth++) {
            if (!(classes.get(ref) instanceof ClassInfo info)) {
                return -1;
            }
            boolean packageVisible = (token & 0x80) != 0;
            List<Integer> table = packageVisible ? info.packageTable() : info.publicTable();
            int index = (token & 0x7F) - (packageVisible ? info.packageBase() : info.publicBase());
            if (index >= 0 && index < table.size() && table.get(index) != ELSEWHERE) {
                return table.get(index);
            }
            ref = info.superclass();
        }
        return -1;
    }

    private void addSignature(FoundMethod method) {
        int offset = method.offset();
        int receiver = virtuals.containsKey(offset) ? 1 : 0;
        Signature made = Signature.unknown(Math.max(0, method.info().nargs() - receiver), kinds);
        char returned = method.returns();
        if (returned != Kinds.UNKNOWN) {
            kinds.set(made.result(), returned);
        }
        signatures.put(offset, made);
    }

    private void joinTables(int offset, ClassInfo info) {
        virtuals.forEach((target, place) -> {
            if (place[0] == offset) {
                inherited(info.superclass(), place[1])
                        .ifPresent(above -> signature(target).join(above, kinds));
            }
        });
    }

    private void joinInterface(int offset, ImplementedInterface item) {
        List<Integer> index = item.index();
        for (int token = 0; token < index.size(); token++) {
            int method = token;
            Signature target = inherited(offset, index.get(token))
                    .orElseThrow(() -> new InferenceException(String.format(
                            "an interface of class @%04X names a virtual method that it has not: %d",
                            offset, index.get(method))));
            if (ClassRef.isExternal(item.classRef())) {
                external(item.classRef()).methods().stream()
                        .filter(own -> own.token() == method)
                        .findFirst()
                        .ifPresent(own -> target.join(Signature.exact(own.descriptor(), kinds), kinds));
            } else {
                interfaceMethod(item.classRef(), token, target.parameters().size())
                        .join(target, kinds);
            }
        }
    }

    /** Signature of a virtual method by token, of our package or another. */
    private Optional<Signature> inherited(int classRef, int token) {
        if (!ClassRef.isExternal(classRef) && classRef != ClassRef.NONE) {
            int target = resolve(classRef, token);
            if (target >= 0) {
                return Optional.of(signature(target));
            }
        }
        int ref = classRef;
        for (int depth = 0; depth < MAX_DEPTH && ClassRef.isInternal(ref); depth++) {
            ref = classes.get(ref) instanceof ClassInfo info ? info.superclass() : ClassRef.NONE;
        }
        if (!ClassRef.isExternal(ref) || (token & 0x80) != 0) {
            return Optional.empty();
        }
        return external(ref).methods().stream()
                .filter(method -> isVirtual(method) && method.token() == token)
                .findFirst()
                .map(method -> Signature.exact(method.descriptor(), kinds));
    }

    static boolean isVirtual(ExportMethod method) {
        return !method.isStatic() && !method.isConstructor();
    }

    ExportClass external(int classRef) {
        int token = ClassRef.packageToken(classRef);
        if (token >= imports.size()) {
            throw new InferenceException("package token " + token + " is not imported");
        }
        return imports.get(token)
                .classByToken(ClassRef.classToken(classRef))
                .orElseThrow(() -> new InferenceException(
                        imports.get(token).packageName() + " has no class of token " + ClassRef.classToken(classRef)));
    }

    List<ExportFile> imports() {
        return imports;
    }

    /** Signature of a method of ours, with "this" only where it is no virtual method. */
    Signature signature(int offset) {
        Signature found = signatures.get(offset);
        if (found == null) {
            throw new InferenceException(String.format("no method is at @%04X", offset));
        }
        return found;
    }

    Signature interfaceMethod(int classRef, int token, int cells) {
        if (ClassRef.isExternal(classRef)) {
            return external(classRef).methods().stream()
                    .filter(method -> method.token() == token)
                    .findFirst()
                    .map(method -> Signature.exact(method.descriptor(), kinds))
                    .orElseThrow(() ->
                            new InferenceException("an interface of another package has no method of token " + token));
        }
        TreeMap<Integer, Signature> own = interfaces.get(classRef);
        if (own == null || token > 0x7F) {
            throw new InferenceException(
                    "no interface of ours is at " + ClassRef.text(classRef) + " with method " + token);
        }
        return own.computeIfAbsent(token, key -> Signature.unknown(cells, kinds));
    }

    Entry constant(int index, int tag) {
        List<Entry> entries = cap.constantPool().entries();
        if (index < 0
                || index >= entries.size()
                || tag != 0 && entries.get(index).tag() != tag) {
            throw new InferenceException("constant " + index + " is not what an instruction needs");
        }
        return entries.get(index);
    }

    Signature virtual(Entry entry) {
        int ref = entry.classRef();
        if (entry.tag() == ConstantPoolComponent.SUPER_METHODREF) {
            ref = classes.get(ref) instanceof ClassInfo info ? info.superclass() : ClassRef.NONE;
        }
        return inherited(ref, entry.token())
                .orElseThrow(() -> new InferenceException("class " + ClassRef.text(entry.classRef())
                        + " has no virtual method of token " + entry.token()));
    }

    /** True for a protected method of another package, which only its subclasses may call. */
    boolean isProtected(Entry entry) {
        boolean isStatic = entry.tag() == ConstantPoolComponent.STATIC_METHODREF;
        return entry.isExternal()
                && external(entry.classRef()).methods().stream()
                        .anyMatch(method -> isVirtual(method) != isStatic
                                && method.token() == entry.token()
                                && (method.flags() & ACC_PROTECTED) != 0);
    }

    ExportMethod externalStatic(Entry entry) {
        return external(entry.classRef()).methods().stream()
                .filter(method -> !isVirtual(method) && method.token() == entry.token())
                .findFirst()
                .orElseThrow(
                        () -> new InferenceException("another package has no static method of token " + entry.token()));
    }
}

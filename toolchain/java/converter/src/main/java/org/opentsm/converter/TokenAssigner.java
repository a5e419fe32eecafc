// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.objectweb.asm.Opcodes;
import org.opentsm.cap.exp.ExportFile;
import org.opentsm.cap.exp.ExportFile.ExportClass;
import org.opentsm.cap.exp.ExportFile.ExportField;
import org.opentsm.cap.exp.ExportFile.ExportMethod;

/** Orders the classes and gives tokens to classes and members; tokens of an earlier export file are kept. */
final class TokenAssigner {
    private static final int MAX_CLASS_TOKEN = 254;
    private static final int MAX_VIRTUAL = 127;
    private static final int PACKAGE_BIT = 0x80;

    private final World world;
    private final boolean hasApplets;
    private final ExportFile earlier;
    private final Diagnostics diagnostics;
    private final List<LinkedClass> ordered = new ArrayList<>();
    private final Set<LinkedClass> placed = new HashSet<>();

    /** @param earlier the export file whose tokens are kept, or null */
    TokenAssigner(World world, boolean hasApplets, ExportFile earlier, Diagnostics diagnostics) {
        this.world = world;
        this.hasApplets = hasApplets;
        this.earlier = earlier;
        this.diagnostics = diagnostics;
    }

    /** Gives all tokens. Returns the classes in Class component order: interfaces first, supertypes before users. */
    List<LinkedClass> assign() {
        world.own().stream().filter(LinkedClass::isInterface).forEach(this::place);
        world.own().stream().filter(c -> !c.isInterface()).forEach(this::place);
        classTokens();
        for (LinkedClass c : ordered) {
            Optional<ExportClass> kept = earlier == null ? Optional.empty() : earlier.classByName(c.name);
            try {
                if (c.isInterface()) {
                    interfaceTokens(c, kept);
                } else {
                    addMirandas(c);
                    staticTokens(c, kept);
                    virtualTokens(c, kept);
                    fieldTokens(c, kept);
                }
            } catch (ConversionException e) {
                diagnostics.error(c.name, "", e.line(), e.getMessage());
            }
        }
        checkNothingLost();
        return ordered;
    }

    private void place(LinkedClass c) {
        if (!placed.add(c)) {
            return;
        }
        for (LinkedClass item : world.interfacesOf(c)) {
            if (!item.isImported()) {
                place(item);
            }
        }
        LinkedClass parent = world.superOf(c);
        if (parent != null && !parent.isImported()) {
            place(parent);
        }
        ordered.add(c);
    }

    /**
     * True when the class appears in the export file: every public type of a library, shareable interfaces of applets.
     */
    static boolean isExported(World world, LinkedClass c, boolean hasApplets) {
        return c.isPublic() && (!hasApplets || c.isInterface() && world.isShareable(c));
    }

    private void classTokens() {
        List<LinkedClass> named =
                new ArrayList<>(ordered.stream().filter(LinkedClass::isPublic).toList());
        named.sort(Comparator.comparing(c -> !isExported(world, c, hasApplets)));
        Map<String, LinkedClass> byName = new LinkedHashMap<>();
        named.forEach(c -> byName.put(c.name, c));
        int next = 0;
        if (earlier != null) {
            for (ExportClass kept : earlier.classes()) {
                LinkedClass c = byName.remove(kept.name());
                if (c != null) {
                    c.token = kept.token();
                }
                next = Math.max(next, kept.token() + 1);
            }
        }
        for (LinkedClass c : byName.values()) {
            if (next > MAX_CLASS_TOKEN) {
                diagnostics.error(c.name, "", 0, "the package has more than 255 public classes and interfaces");
                return;
            }
            c.token = next++;
        }
    }

    // ---- methods ----

    /** Adds an abstract method for every interface method that an abstract class leaves open. */
    private void addMirandas(LinkedClass c) {
        if (!c.isAbstract()) {
            return;
        }
        for (LinkedClass item : world.interfacesOf(c)) {
            for (Member wanted : item.methods.values()) {
                if (wanted.isVirtual() && world.findMethod(c, wanted.key()) == null) {
                    c.methods.put(
                            wanted.key(),
                            new Member(
                                    c,
                                    wanted.name,
                                    wanted.descriptor,
                                    Opcodes.ACC_PUBLIC | Opcodes.ACC_ABSTRACT,
                                    null,
                                    null));
                }
            }
        }
    }

    private void staticTokens(LinkedClass c, Optional<ExportClass> kept) {
        List<Member> methods = c.methods.values().stream()
                .filter(m -> m.isWide() && !m.isClassInitializer() && (m.isStatic() || m.isConstructor()))
                .toList();
        number(
                c,
                methods,
                m -> kept.flatMap(k -> k.method(m.name, m.descriptor)).map(ExportMethod::token),
                0,
                255,
                "public and protected static methods and constructors");
        List<Member> fields = c.fields.values().stream()
                .filter(f -> f.isWide() && f.isStatic() && f.constant == null)
                .toList();
        number(
                c,
                fields,
                f -> kept.flatMap(k -> k.field(f.name)).map(ExportField::token).filter(t -> t != Member.NO_TOKEN),
                0,
                255,
                "public and protected static fields");
    }

    /** Numbers members from first on; members with an earlier token keep it and new ones follow the highest. */
    private int number(
            LinkedClass c,
            List<Member> members,
            java.util.function.Function<Member, Optional<Integer>> keptToken,
            int first,
            int limit,
            String what) {
        int next = first;
        List<Member> fresh = new ArrayList<>();
        for (Member member : members) {
            Optional<Integer> kept = keptToken.apply(member);
            if (kept.isPresent()) {
                member.token = kept.get();
                next = Math.max(next, kept.get() + 1);
            } else {
                fresh.add(member);
            }
        }
        for (Member member : fresh) {
            if (next > limit) {
                throw new ConversionException(0, "more than " + (limit + 1) + " " + what);
            }
            member.token = next++;
        }
        return next;
    }

    private void virtualTokens(LinkedClass c, Optional<ExportClass> kept) {
        LinkedClass parent = world.superOf(c);
        boolean samePackage = parent != null && !parent.isImported();
        c.highestVirtual = parent == null ? -1 : parent.highestVirtual;
        c.highestPackageVirtual = samePackage ? parent.highestPackageVirtual : -1;
        List<Member> introducedWide = new ArrayList<>();
        List<Member> introducedPackage = new ArrayList<>();
        for (Member method : c.methods.values()) {
            if (method.isVirtual()) {
                overrideOrIntroduce(c, parent, method, introducedWide, introducedPackage);
            }
        }
        int next = number(
                c,
                introducedWide,
                m -> kept.flatMap(k -> k.method(m.name, m.descriptor)).map(ExportMethod::token),
                c.highestVirtual + 1,
                MAX_VIRTUAL,
                "public and protected methods, inherited ones included");
        for (Member method : introducedWide) {
            if (method.token <= c.highestVirtual) {
                throw new ConversionException(
                        0,
                        "the superclass gained methods since the earlier export file, so " + method.name
                                + " cannot keep its token " + method.token);
            }
        }
        c.highestVirtual = Math.max(c.highestVirtual, next - 1);
        int index = c.highestPackageVirtual + 1;
        for (Member method : introducedPackage) {
            if (index > MAX_VIRTUAL) {
                throw new ConversionException(0, "more than 128 package-visible methods, inherited ones included");
            }
            method.token = PACKAGE_BIT | index++;
        }
        c.highestPackageVirtual = index - 1;
    }

    private void overrideOrIntroduce(
            LinkedClass c, LinkedClass parent, Member method, List<Member> wide, List<Member> narrow) {
        Member overridden = parent == null ? null : overridden(parent, method);
        if (overridden == null) {
            (method.isWide() ? wide : narrow).add(method);
            return;
        }
        if (overridden.is(Opcodes.ACC_FINAL)) {
            diagnostics.error(c.name, method.key(), 0, "overrides the final method " + overridden);
        }
        if (overridden.isWide() != method.isWide()) {
            diagnostics.error(
                    c.name,
                    method.key(),
                    0,
                    "overrides the package-visible method " + overridden
                            + " with another visibility, which cannot share its token; make both "
                            + "public or both package-visible");
        }
        method.token = overridden.token;
    }

    /** The superclass method that this one overrides: same name and descriptor, and visible from here. */
    private Member overridden(LinkedClass parent, Member method) {
        for (LinkedClass step : world.chain(parent)) {
            Member candidate = step.methods.get(method.key());
            if (candidate != null && candidate.isVirtual() && (candidate.isWide() || !step.isImported())) {
                return candidate;
            }
        }
        return null;
    }

    private void interfaceTokens(LinkedClass c, Optional<ExportClass> kept) {
        Map<String, Member> flat = new LinkedHashMap<>();
        for (LinkedClass item : world.interfacesOf(c)) {
            List<Member> inherited = new ArrayList<>(
                    item.methods.values().stream().filter(Member::isVirtual).toList());
            inherited.sort(Comparator.comparingInt(m -> m.token));
            inherited.forEach(m -> flat.putIfAbsent(m.key(), m));
        }
        List<Member> all = new ArrayList<>();
        for (Member inherited : flat.values()) {
            if (!c.methods.containsKey(inherited.key())) {
                all.add(new Member(
                        c,
                        inherited.name,
                        inherited.descriptor,
                        Opcodes.ACC_PUBLIC | Opcodes.ACC_ABSTRACT,
                        null,
                        null));
            } else {
                all.add(c.methods.get(inherited.key()));
            }
        }
        c.methods.values().stream()
                .filter(m -> m.isVirtual() && !flat.containsKey(m.key()))
                .forEach(all::add);
        all.forEach(m -> c.methods.put(m.key(), m));
        number(
                c,
                all,
                m -> kept.flatMap(k -> k.method(m.name, m.descriptor)).map(ExportMethod::token),
                0,
                MAX_VIRTUAL,
                "interface methods, inherited ones included");
    }

    // ---- fields ----

    private void fieldTokens(LinkedClass c, Optional<ExportClass> kept) {
        List<Member> order = new ArrayList<>();
        Comparator<Member> byEarlier = Comparator.comparingInt(f -> kept.flatMap(k -> k.field(f.name))
                .filter(k -> !k.isStatic())
                .map(ExportField::token)
                .orElse(256));
        List<Predicate<Member>> groups = List.of(
                f -> f.isWide() && !isReference(f),
                f -> f.isWide() && isReference(f),
                f -> !f.isWide() && isReference(f),
                f -> !f.isWide() && !isReference(f));
        for (Predicate<Member> group : groups) {
            c.fields.values().stream()
                    .filter(f -> !f.isStatic() && group.test(f))
                    .sorted(byEarlier)
                    .forEach(order::add);
        }
        int token = 0;
        for (Member field : order) {
            field.token = token;
            token += field.descriptor.equals("I") ? 2 : 1;
            if (token > 255) {
                throw new ConversionException(0, "the class has more than 255 cells of instance fields");
            }
            int wanted = kept.flatMap(k -> k.field(field.name))
                    .filter(k -> !k.isStatic())
                    .map(ExportField::token)
                    .orElse(field.token);
            if (wanted != field.token) {
                diagnostics.error(
                        c.name,
                        field.name,
                        0,
                        "the field had token " + wanted + " in the earlier export file and"
                                + " would now get " + field.token + "; keep the earlier public and"
                                + " protected fields and add none before them");
            }
        }
        c.instanceSize = token;
        int total = 0;
        for (LinkedClass step : world.chain(c)) {
            total += step.instanceSize;
        }
        if (total > 255) {
            throw new ConversionException(0, "objects of the class need " + total + " cells, more than 255");
        }
    }

    static boolean isReference(Member field) {
        char first = field.descriptor.charAt(0);
        return first == 'L' || first == '[';
    }

    // ---- binary compatibility ----

    private void checkNothingLost() {
        if (earlier == null) {
            return;
        }
        Set<String> lost = new LinkedHashSet<>();
        for (ExportClass kept : earlier.classes()) {
            LinkedClass c = world.find(kept.name());
            if (c == null || c.isImported() || !isExported(world, c, hasApplets)) {
                lost.add("class " + kept.name().replace('/', '.'));
                continue;
            }
            for (ExportMethod method : kept.methods()) {
                Member now = world.findMethod(c, method.name() + method.descriptor());
                boolean inherited = now != null && now.owner != c && now.isVirtual();
                if (now == null || !inherited && now.owner != c || now.token != method.token()) {
                    lost.add("method " + kept.name().replace('/', '.') + "." + method.name() + method.descriptor());
                }
            }
            for (ExportField field : kept.fields()) {
                Member now = c.fields.get(field.name() + field.descriptor());
                if (now == null || (now.constant == null ? now.token : Member.NO_TOKEN) != field.token()) {
                    lost.add("field " + kept.name().replace('/', '.') + "." + field.name());
                }
            }
        }
        lost.forEach(name -> diagnostics.error(name + " of the earlier export file is gone or has another token;"
                + " packages built against it would break. Keep it, or convert without "
                + "the earlier export file and raise"
                + " the major version"));
    }
}

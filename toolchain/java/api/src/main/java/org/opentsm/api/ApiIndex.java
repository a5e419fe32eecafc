// SPDX-License-Identifier: Apache-2.0
package org.opentsm.api;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** Tokens by name at one level, inherited members included. */
public final class ApiIndex {
    private final Declarations declarations = Declarations.all();
    private final ApiLevel level;

    public ApiIndex(ApiLevel level) {
        this.level = level;
    }

    public ApiLevel level() {
        return level;
    }

    /** @param internalName class name with slashes */
    public Lookup findClass(String internalName) {
        return declarations
                .findClass(internalName)
                .<Lookup>map(apiClass -> has(apiClass)
                        ? found(apiClass, null)
                        : newer(apiClass.display(), apiClass.packageName(), apiClass.since()))
                .orElseGet(() -> new Lookup.Unknown(internalName.replace('/', '.')));
    }

    /** A method or constructor, declared by the class or inherited. */
    public Lookup findMethod(String internalName, String name, String descriptor) {
        return find(internalName, name + descriptor, ApiMember::isMethod);
    }

    /** A field; compile-time constants are found with token 255. */
    public Lookup findField(String internalName, String name) {
        return find(internalName, name, member -> !member.isMethod());
    }

    private Lookup find(String internalName, String key, Predicate<ApiMember> wanted) {
        ApiClass apiClass = declarations.findClass(internalName).orElse(null);
        if (apiClass == null || !has(apiClass)) {
            return findClass(internalName);
        }
        for (ApiMember member : allMembers(apiClass)) {
            if (wanted.test(member) && member.key().equals(key)) {
                return has(member)
                        ? found(apiClass, member)
                        : newer(
                                member.display(),
                                declarations.classOf(member.owner()).packageName(),
                                member.since());
            }
        }
        return new Lookup.Unknown(apiClass.display() + "." + key);
    }

    /** True when the class exists at this level. */
    public boolean has(ApiClass apiClass) {
        return hasVersion(apiClass.packageName(), apiClass.since());
    }

    /** True when the member exists at this level. */
    public boolean has(ApiMember member) {
        return hasVersion(declarations.classOf(member.owner()).packageName(), member.since());
    }

    private boolean hasVersion(String packageName, Version since) {
        return level.versionOf(packageName)
                .filter(version -> version.compareTo(since) >= 0)
                .isPresent();
    }

    /**
     * Members of the class at this level: own ones, then what a class inherits virtually or an interface flattens in.
     */
    public List<ApiMember> members(ApiClass apiClass) {
        return allMembers(apiClass).stream().filter(this::has).toList();
    }

    private List<ApiMember> allMembers(ApiClass apiClass) {
        Map<String, ApiMember> all = new LinkedHashMap<>();
        apiClass.declared().forEach(member -> all.put(member.key(), member));
        if (apiClass.isInterface()) {
            flattened(apiClass).forEach(member -> all.putIfAbsent(member.key(), member));
        } else {
            for (String above = apiClass.superName();
                    above != null;
                    above = declarations.classOf(above).superName()) {
                for (ApiMember member : declarations.classOf(above).declared()) {
                    if (member.kind() != ApiMember.Kind.STATIC) {
                        all.putIfAbsent(member.key(), member);
                    }
                }
            }
        }
        for (String name : apiClass.interfaces()) {
            declarations.classOf(name).declared().stream()
                    .filter(member -> member.kind() == ApiMember.Kind.CONSTANT)
                    .forEach(member -> all.putIfAbsent(member.key(), member));
        }
        return new ArrayList<>(all.values());
    }

    /** Inherited interface methods with the tokens they have in this interface: superinterface order, then own. */
    private List<ApiMember> flattened(ApiClass apiClass) {
        Map<String, ApiMember> inherited = new LinkedHashMap<>();
        for (String name : apiClass.interfaces()) {
            allMembers(declarations.classOf(name)).stream()
                    .filter(ApiMember::isMethod)
                    .sorted((a, b) -> Integer.compare(a.token(), b.token()))
                    .forEach(member -> inherited.putIfAbsent(member.key(), member));
        }
        List<ApiMember> renumbered = new ArrayList<>();
        for (ApiMember member : inherited.values()) {
            renumbered.add(new ApiMember(
                    member.kind(),
                    renumbered.size(),
                    member.flags(),
                    member.owner(),
                    member.name(),
                    member.descriptor(),
                    member.since(),
                    null));
        }
        return renumbered;
    }

    private Lookup.Found found(ApiClass apiClass, ApiMember member) {
        ApiPackage owner = declarations.packageOf(apiClass);
        return new Lookup.Found(owner.aid(), level.versionOf(owner.name()).orElseThrow(), apiClass, member);
    }

    private Lookup.Newer newer(String what, String packageName, Version since) {
        return new Lookup.Newer(
                what,
                packageName.replace('/', '.'),
                since,
                level.versionOf(packageName).orElse(null),
                level);
    }
}

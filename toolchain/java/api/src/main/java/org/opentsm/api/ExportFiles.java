// SPDX-License-Identifier: Apache-2.0
package org.opentsm.api;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.opentsm.cap.Aid;
import org.opentsm.cap.AtomicFile;
import org.opentsm.cap.exp.ExportBuilder;
import org.opentsm.cap.exp.ExportFile;
import org.opentsm.cap.exp.ExportFileProvider;

/** Export files of the API packages at one level, made from the declarations (javacard-cap.md section 14). */
public final class ExportFiles implements ExportFileProvider {
    private final Declarations declarations = Declarations.all();
    private final ApiIndex index;
    private final Map<String, Optional<ExportFile>> made = new TreeMap<>();

    public ExportFiles(ApiLevel level) {
        index = new ApiIndex(level);
    }

    /** @param packageName path with slashes; empty when the level has no such package */
    public Optional<ExportFile> byName(String packageName) {
        return made.computeIfAbsent(packageName, name -> declarations
                .findPackage(name)
                .filter(one -> index.level().versionOf(name).isPresent())
                .map(this::make));
    }

    public Optional<ExportFile> byAid(Aid aid) {
        return declarations.packages().stream()
                .filter(one -> one.aid().equals(aid))
                .findFirst()
                .flatMap(one -> byName(one.name()));
    }

    @Override
    public Optional<ExportFile> find(byte[] packageAid, int major, int minor) {
        return byAid(new Aid(packageAid)).filter(file -> file.major() == major && file.minor() >= minor);
    }

    /** Every package of the level. */
    public List<ExportFile> all() {
        return declarations.packages().stream()
                .map(one -> byName(one.name()))
                .flatMap(Optional::stream)
                .toList();
    }

    /** Writes {@code <package path>/javacard/<last name>.exp} for every package of the level. */
    public void writeTo(Path folder) throws IOException {
        for (ExportFile file : all()) {
            AtomicFile.write(folder.resolve(pathOf(file.packageName())), file.toBytes());
        }
    }

    /** Where an export file lies below an export path. */
    public static String pathOf(String packageName) {
        return packageName + "/javacard/" + packageName.substring(packageName.lastIndexOf('/') + 1) + ".exp";
    }

    private ExportFile make(ApiPackage one) {
        Version version = index.level().versionOf(one.name()).orElseThrow();
        boolean remote = one.classes().stream().anyMatch(apiClass -> (apiClass.flags() & ApiClass.ACC_REMOTE) != 0);
        ExportBuilder builder =
                new ExportBuilder(remote ? 2 : 1, one.name(), one.aid(), version.major(), version.minor(), true);
        one.classes().stream().filter(index::has).forEach(apiClass -> add(builder, apiClass));
        return builder.build();
    }

    private void add(ExportBuilder builder, ApiClass apiClass) {
        List<ExportFile.ExportField> fields = new ArrayList<>();
        List<ExportFile.ExportMethod> methods = new ArrayList<>();
        for (ApiMember member : index.members(apiClass)) {
            switch (member.kind()) {
                case CONSTANT -> {
                    if (member.owner().equals(apiClass.name())) {
                        fields.add(builder.constant(
                                member.flags(), member.name(), member.descriptor(), member.constant()));
                    }
                }
                case FIELD ->
                    fields.add(builder.field(member.token(), member.flags(), member.name(), member.descriptor()));
                default ->
                    methods.add(builder.method(member.token(), member.flags(), member.name(), member.descriptor()));
            }
        }
        methods.sort((a, b) -> sharesStaticTokens(a) != sharesStaticTokens(b)
                ? sharesStaticTokens(a) ? -1 : 1
                : Integer.compare(a.token(), b.token()));
        builder.add(
                apiClass.token(),
                apiClass.flags(),
                apiClass.name(),
                chain(apiClass),
                apiClass.interfaces(),
                fields,
                methods);
    }

    /** Superclasses from Object down. As in a class file, the superclass of an interface is Object. */
    private List<String> chain(ApiClass apiClass) {
        if (apiClass.isInterface()) {
            return List.of("java/lang/Object");
        }
        List<String> chain = new ArrayList<>();
        for (String above = apiClass.superName();
                above != null;
                above = declarations.classOf(above).superName()) {
            chain.add(above);
        }
        Collections.reverse(chain);
        return chain;
    }

    private static boolean sharesStaticTokens(ExportFile.ExportMethod method) {
        return method.isStatic() || method.isConstructor();
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.opentsm.cap.ClassComponent.InterfaceInfo;
import org.opentsm.cap.ClassRef;
import org.opentsm.cap.DescriptorComponent;
import org.opentsm.cap.DescriptorComponent.FieldDescriptor;
import org.opentsm.cap.DescriptorComponent.MethodDescriptor;
import org.opentsm.cap.ExportComponent.ExportedClass;
import org.opentsm.cap.HeaderComponent;
import org.opentsm.cap.PackageInfo;
import org.opentsm.cap.exp.ExportBuilder;
import org.opentsm.cap.exp.ExportFile;
import org.opentsm.cap.exp.ExportFile.ExportClass;
import org.opentsm.cap.exp.ExportFile.ExportField;
import org.opentsm.cap.exp.ExportFile.ExportMethod;
import org.opentsm.linker.CapView.ClassView;

/** Makes the export file of a linked package, by its JVM names: what later CAPs are verified and linked against. */
final class ExportNames {
    private static final int ACC_INTERFACE = 0x200;
    private static final int ACC_ABSTRACT = 0x400;
    private static final int ACC_SHAREABLE = 0x800;
    private static final int VIRTUAL_TOKENS = 128;
    private static final int NO_TOKEN = 0xFF;
    /** Stands in an export file for a reference of which nothing is known; the verifier takes it for any. */
    static final String UNKNOWN = "L?;";

    private final CapView view;
    private final ExportBuilder builder;

    ExportNames(CapView view) {
        this.view = view;
        PackageInfo own = view.cap.header().packageInfo();
        boolean library = (view.cap.header().flags() & HeaderComponent.ACC_APPLET) == 0;
        builder = new ExportBuilder(1, "p" + own.aid(), own.aid(), own.major(), own.minor(), library);
    }

    ExportFile file() {
        List<ExportedClass> exported =
                view.cap.export().map(component -> component.classes()).orElse(List.of());
        for (int token = 0; token < exported.size(); token++) {
            ClassView item = view.classAt(exported.get(token).classOffset());
            if (item.isInterface()) {
                addInterface(token, item);
            } else {
                addClass(token, item);
            }
        }
        return builder.build();
    }

    private void addInterface(int token, ClassView item) {
        List<ExportMethod> methods = new ArrayList<>();
        for (MethodDescriptor method : item.descriptor().methods()) {
            MemberName name = view.interfaceMethod(item.offset(), method.token());
            methods.add(builder.method(method.token(), 1 | ACC_ABSTRACT, name.name(), type(name)));
        }
        List<String> supers = ((InterfaceInfo) item.entry())
                .superinterfaces().stream().map(view::name).toList();
        builder.add(
                token,
                1 | ACC_INTERFACE | ACC_ABSTRACT | shareable(item),
                view.name(item.offset()),
                List.of("java/lang/Object"),
                supers,
                List.of(),
                methods);
    }

    private String type(MemberName name) {
        return view.inferred ? name.descriptor().replace("L" + Casts.OBJECT + ";", UNKNOWN) : name.descriptor();
    }

    private static int shareable(ClassView item) {
        return item.entry().isShareable() ? ACC_SHAREABLE : 0;
    }

    private void addClass(int token, ClassView item) {
        List<String> chain = new ArrayList<>();
        Set<String> interfaces = new LinkedHashSet<>();
        int ref = item.offset();
        for (; ClassRef.isInternal(ref); ref = view.classAt(ref).info().superclass()) {
            if (ref != item.offset()) {
                chain.add(view.name(ref));
            }
            view.classAt(ref).info().interfaces().forEach(found -> interfaces.add(view.name(found.classRef())));
        }
        ExportClass imported = view.external(ref);
        chain.add(imported.name());
        List<String> above = new ArrayList<>(imported.superclasses());
        Collections.reverse(above);
        chain.addAll(above);
        Collections.reverse(chain);
        interfaces.addAll(imported.interfaces());
        int flags = item.descriptor().flags();
        int access = 1
                | flags & DescriptorComponent.ACC_FINAL
                | ((flags & DescriptorComponent.ACC_CLASS_ABSTRACT) != 0 ? ACC_ABSTRACT : 0);
        builder.add(
                token,
                access | shareable(item),
                view.name(item.offset()),
                chain,
                List.copyOf(interfaces),
                fields(item),
                methods(item, imported));
    }

    private List<ExportField> fields(ClassView item) {
        List<ExportField> fields = new ArrayList<>();
        for (FieldDescriptor field : item.descriptor().fields()) {
            if (isVisible(field.flags()) && field.token() != NO_TOKEN) {
                MemberName name = field.isStatic()
                        ? view.staticField(field.imageOffset())
                        : view.instanceField(item.offset(), field);
                fields.add(builder.field(field.token(), field.flags() & 0x1D, name.name(), type(name)));
            }
        }
        return fields;
    }

    private static boolean isVisible(int flags) {
        return (flags & (DescriptorComponent.ACC_PUBLIC | DescriptorComponent.ACC_PROTECTED)) != 0;
    }

    private List<ExportMethod> methods(ClassView item, ExportClass imported) {
        List<ExportMethod> methods = new ArrayList<>();
        for (MethodDescriptor method : item.descriptor().methods()) {
            if (isVisible(method.flags()) && method.token() != NO_TOKEN && !CapView.isVirtual(method)) {
                MemberName name = view.method(method.methodOffset()).name();
                methods.add(builder.method(method.token(), method.flags() & 0x1D, name.name(), type(name)));
            }
        }
        for (int virtual = 0; virtual < VIRTUAL_TOKENS; virtual++) {
            int wanted = virtual;
            Optional<MemberName> name = view.virtual(item.offset(), virtual);
            int flags = view.declared(item.offset(), virtual)
                    .map(method -> access(method.flags()))
                    .orElseGet(() -> imported.methods().stream()
                            .filter(method -> !method.isStatic() && !method.isConstructor() && method.token() == wanted)
                            .findFirst()
                            .map(ExportMethod::flags)
                            .orElse(1));
            name.ifPresent(found -> methods.add(builder.method(wanted, flags, found.name(), type(found))));
        }
        return methods;
    }

    private static int access(int flags) {
        return flags & 0x1D | ((flags & DescriptorComponent.ACC_METHOD_ABSTRACT) != 0 ? ACC_ABSTRACT : 0);
    }
}

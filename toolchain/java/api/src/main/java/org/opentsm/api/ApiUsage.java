// SPDX-License-Identifier: Apache-2.0
package org.opentsm.api;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.FieldVisitor;
import org.objectweb.asm.Handle;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/**
 * Finds the lowest versions of GlobalPlatform and ETSI packages that have all a set of class files uses. A CAP imports
 * the version it was linked against, and a card refuses an import newer than its own, so lower loads on more cards.
 */
public final class ApiUsage {
    private final ApiIndex newest = new ApiIndex(ApiLevel.of(ApiLevel.NAMES.get(ApiLevel.NAMES.size() - 1)));
    private final Map<String, Version> needed = new HashMap<>();

    private ApiUsage() {}

    /**
     * The level with every used package that is versioned apart from Java Card at its lowest sufficient version.
     *
     * @param fixed packages (slashes) whose version must stay
     */
    public static ApiLevel lowest(ApiLevel level, Collection<byte[]> classFiles, Collection<String> fixed) {
        ApiUsage usage = new ApiUsage();
        classFiles.forEach(usage::scan);
        ApiLevel chosen = level;
        for (ApiPackage one : Declarations.all().packages()) {
            if (!one.followsLevel() && !fixed.contains(one.name())) {
                chosen = chosen.with(
                        one.name(),
                        usage.needed.getOrDefault(one.name(), one.versions().get(0)));
            }
        }
        return chosen;
    }

    private void scan(byte[] classFile) {
        new ClassReader(classFile)
                .accept(
                        new ClassVisitor(Opcodes.ASM9) {
                            @Override
                            public void visit(
                                    int version,
                                    int access,
                                    String name,
                                    String signature,
                                    String superName,
                                    String[] interfaces) {
                                useClass(superName);
                                for (String one : interfaces) {
                                    useClass(one);
                                }
                            }

                            @Override
                            public FieldVisitor visitField(
                                    int access, String name, String descriptor, String signature, Object value) {
                                useType(Type.getType(descriptor));
                                return null;
                            }

                            @Override
                            public MethodVisitor visitMethod(
                                    int access, String name, String descriptor, String signature, String[] thrown) {
                                useTypes(descriptor);
                                return new Body();
                            }
                        },
                        ClassReader.SKIP_DEBUG | ClassReader.SKIP_FRAMES);
    }

    private final class Body extends MethodVisitor {
        Body() {
            super(Opcodes.ASM9);
        }

        @Override
        public void visitMethodInsn(int opcode, String owner, String name, String descriptor, boolean isInterface) {
            use(newest.findMethod(owner, name, descriptor));
            useTypes(descriptor);
        }

        @Override
        public void visitFieldInsn(int opcode, String owner, String name, String descriptor) {
            use(newest.findField(owner, name));
            useType(Type.getType(descriptor));
        }

        @Override
        public void visitTryCatchBlock(Label start, Label end, Label handler, String type) {
            useClass(type);
        }

        @Override
        public void visitTypeInsn(int opcode, String type) {
            useClass(type);
        }

        @Override
        public void visitInvokeDynamicInsn(String name, String descriptor, Handle bootstrap, Object... arguments) {
            // refused by the converter
        }
    }

    private void useTypes(String descriptor) {
        for (Type type : Type.getArgumentTypes(descriptor)) {
            useType(type);
        }
        useType(Type.getReturnType(descriptor));
    }

    private void useType(Type type) {
        if (type.getSort() == Type.OBJECT || type.getSort() == Type.ARRAY) {
            useClass(type.getInternalName());
        }
    }

    private void useClass(String name) {
        if (name == null) {
            return;
        }
        if (name.startsWith("[")) {
            Type element = Type.getType(name).getElementType();
            if (element.getSort() == Type.OBJECT) {
                useClass(element.getInternalName());
            }
            return;
        }
        use(newest.findClass(name));
    }

    private void use(Lookup lookup) {
        if (lookup instanceof Lookup.Found found) {
            need(found.apiClass().packageName(), found.apiClass().since());
            if (found.member() != null) {
                ApiClass declaring = Declarations.all().classOf(found.member().owner());
                need(declaring.packageName(), found.member().since());
            }
        }
    }

    private void need(String packageName, Version since) {
        needed.merge(packageName, since, (a, b) -> a.compareTo(b) >= 0 ? a : b);
    }
}

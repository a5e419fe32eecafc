// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.List;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/**
 * Rules about names that cross the package border. They bind what the export file shows: all public types of a
 * library, the shareable interfaces of an applet package.
 */
final class VisibilityCheck {
    private final World world;
    private final boolean hasApplets;
    private final Diagnostics diagnostics;

    VisibilityCheck(World world, boolean hasApplets, Diagnostics diagnostics) {
        this.world = world;
        this.hasApplets = hasApplets;
        this.diagnostics = diagnostics;
    }

    void check(List<LinkedClass> classes) {
        for (LinkedClass c : classes) {
            if (TokenAssigner.isExported(world, c, hasApplets)) {
                checkMembers(c);
                checkSupertypes(c);
            }
            if (!c.isInterface() && !c.isAbstract()) {
                checkImplemented(c);
            }
        }
    }

    private void checkMembers(LinkedClass c) {
        for (Member field : c.fields.values()) {
            if (field.isWide()) {
                checkType(c, field.name, Type.getType(field.descriptor));
            }
        }
        for (Member method : c.methods.values()) {
            if (method.isWide() && !method.isClassInitializer()) {
                for (Type type : Type.getArgumentTypes(method.descriptor)) {
                    checkType(c, method.key(), type);
                }
                checkType(c, method.key(), Type.getReturnType(method.descriptor));
            }
        }
    }

    private void checkType(LinkedClass c, String member, Type type) {
        Type element = type.getSort() == Type.ARRAY ? type.getElementType() : type;
        if (element.getSort() != Type.OBJECT) {
            return;
        }
        LinkedClass named = world.find(element.getInternalName());
        if (named != null && !named.isImported() && !named.isPublic()) {
            diagnostics.error(
                    c.name,
                    member,
                    0,
                    "a public or protected member of an exported class names the package-visible" + " type " + named
                            + "; make that type public");
        }
    }

    private void checkSupertypes(LinkedClass c) {
        LinkedClass parent = world.superOf(c);
        if (parent != null && !parent.isImported() && !parent.isPublic() && addsWideMembers(parent)) {
            diagnostics.error(
                    c.name,
                    "",
                    0,
                    "an exported class extends the package-visible class " + parent
                            + ", which has public or protected members; make it public");
        }
        for (LinkedClass item : world.interfacesOf(c)) {
            if (!item.isImported() && !item.isPublic() && !item.methods.isEmpty()) {
                diagnostics.error(
                        c.name,
                        "",
                        0,
                        "an exported type uses the package-visible interface " + item
                                + ", which has methods; make it public");
            }
        }
    }

    private static boolean addsWideMembers(LinkedClass c) {
        return c.methods.values().stream().anyMatch(m -> m.isWide() && !m.isConstructor() && !m.isClassInitializer())
                || c.fields.values().stream().anyMatch(f -> f.isWide() && f.constant == null);
    }

    private void checkImplemented(LinkedClass c) {
        for (LinkedClass step : world.chain(c)) {
            for (Member wanted : step.methods.values()) {
                if (wanted.isVirtual() && wanted.isAbstract() && world.findMethod(c, wanted.key()) == wanted) {
                    diagnostics.error(
                            c.name,
                            wanted.key(),
                            0,
                            "the class is not abstract but leaves " + wanted + " without a body");
                }
            }
            for (LinkedClass item : world.interfacesOf(step)) {
                for (Member wanted : item.methods.values()) {
                    Member found = wanted.isVirtual() ? world.findMethod(c, wanted.key()) : wanted;
                    if (found == null || wanted.isVirtual() && !found.is(Opcodes.ACC_PUBLIC)) {
                        diagnostics.error(
                                c.name,
                                wanted.key(),
                                0,
                                "the class does not implement this method of " + item + " as a public one");
                    }
                }
            }
            if (step.isImported()) {
                return;
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.tree.ClassNode;

/** Reads the class files of a package; whatever a hostile file does to the reader becomes a diagnostic. */
final class PackageReader {
    static final int MAX_CLASSES = 255;
    private final String packageName;
    private final Diagnostics diagnostics;

    PackageReader(String packageName, Diagnostics diagnostics) {
        this.packageName = packageName;
        this.diagnostics = diagnostics;
    }

    List<LinkedClass> read(List<byte[]> files, boolean ints) {
        Map<String, ClassNode> nodes = new TreeMap<>();
        for (byte[] file : files) {
            ClassNode node = read(file);
            if (node == null) {
                continue;
            }
            if (!LinkedClass.packageOf(node.name).equals(packageName)) {
                diagnostics.error(
                        node.name,
                        "",
                        0,
                        "class " + node.name.replace('/', '.') + " does not belong to package "
                                + packageName.replace('/', '.'));
            } else if (nodes.put(node.name, node) != null) {
                diagnostics.error(node.name, "", 0, "the class is given twice");
            }
        }
        if (nodes.isEmpty() && !diagnostics.hasErrors()) {
            diagnostics.error("no class of package " + packageName.replace('/', '.') + " was given");
        }
        if (nodes.size() > MAX_CLASSES) {
            diagnostics.error("the package has " + nodes.size() + " classes and interfaces, more than 255");
        }
        SubsetCheck subset = new SubsetCheck(ints, diagnostics);
        List<LinkedClass> result = new ArrayList<>();
        for (ClassNode node : nodes.values()) {
            subset.check(node);
            result.add(new LinkedClass(node));
        }
        checkCycles(nodes);
        return result;
    }

    private ClassNode read(byte[] file) {
        String name = "";
        try {
            ClassFileGuard.check(file);
            ClassReader reader = new ClassReader(file);
            name = reader.getClassName();
            if (name == null) {
                name = "";
                throw new ConversionException(0, "the class file is damaged: it has no name");
            }
            ClassNode node = new ClassNode();
            reader.accept(node, ClassReader.SKIP_FRAMES);
            checkDescriptors(node);
            if ((node.access & Opcodes.ACC_MODULE) != 0
                    || node.superName == null
                    || node.name.endsWith("package-info")) {
                return null;
            }
            return node;
        } catch (ConversionException e) {
            diagnostics.error(name, "", 0, e.getMessage());
        } catch (RuntimeException | StackOverflowError e) {
            diagnostics.error(name, "", 0, "the class file is damaged and cannot be read");
        }
        return null;
    }

    /** Later steps rely on well-formed descriptors. */
    private static void checkDescriptors(ClassNode node) {
        Set<String> seen = new HashSet<>();
        Descriptors.requireName(node.name);
        node.interfaces.forEach(Descriptors::requireName);
        node.fields.forEach(field -> {
            Descriptors.requireName(field.name);
            Descriptors.requireField(field.desc);
            if (!seen.add(field.name + " " + field.desc)) {
                throw new ConversionException(0, "the class file is damaged: field " + field.name + " appears twice");
            }
        });
        node.methods.forEach(method -> {
            Descriptors.requireName(method.name);
            Descriptors.requireMethod(method.desc);
            if (!seen.add(method.name + method.desc)) {
                throw new ConversionException(0, "the class file is damaged: method " + method.name + " appears twice");
            }
            method.instructions.forEach(Descriptors::require);
        });
    }

    private void checkCycles(Map<String, ClassNode> nodes) {
        Set<String> done = new HashSet<>();
        for (String name : nodes.keySet()) {
            visit(name, nodes, done, new HashSet<>());
        }
    }

    private void visit(String name, Map<String, ClassNode> nodes, Set<String> done, Set<String> path) {
        ClassNode node = nodes.get(name);
        if (node == null || done.contains(name)) {
            return;
        }
        if (!path.add(name)) {
            diagnostics.error(name, "", 0, "the class is its own supertype");
            return;
        }
        visit(node.superName, nodes, done, path);
        node.interfaces.forEach(item -> visit(item, nodes, done, path));
        path.remove(name);
        done.add(name);
    }
}

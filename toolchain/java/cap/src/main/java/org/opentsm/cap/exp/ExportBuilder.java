// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap.exp;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.opentsm.cap.Aid;
import org.opentsm.cap.exp.ExportFile.ClassName;
import org.opentsm.cap.exp.ExportFile.ConstantPoolEntry;
import org.opentsm.cap.exp.ExportFile.ConstantValue;
import org.opentsm.cap.exp.ExportFile.ExportClass;
import org.opentsm.cap.exp.ExportFile.ExportField;
import org.opentsm.cap.exp.ExportFile.ExportMethod;
import org.opentsm.cap.exp.ExportFile.IntegerConstant;
import org.opentsm.cap.exp.ExportFile.NameRef;
import org.opentsm.cap.exp.ExportFile.PackageEntry;
import org.opentsm.cap.exp.ExportFile.Utf8;

/** Makes an export file of format 2.1 or 2.2; equal constants share an entry, order is the order of first need. */
public final class ExportBuilder {
    private final int formatMinor;
    private final List<ConstantPoolEntry> pool = new ArrayList<>();
    private final Map<Object, Integer> indexes = new HashMap<>();
    private final List<ExportClass> classes = new ArrayList<>();
    private final int thisPackage;

    /**
     * @param formatMinor 1, or 2 with remote types
     * @param packageName path with "/"
     * @param library     true when the package has no applets
     */
    public ExportBuilder(int formatMinor, String packageName, Aid aid, int major, int minor, boolean library) {
        if (formatMinor != 1 && formatMinor != 2) {
            throw new IllegalArgumentException("format 2." + formatMinor);
        }
        this.formatMinor = formatMinor;
        int name = utf8(packageName).index();
        thisPackage = intern(aid, new PackageEntry(library ? 1 : 0, name, minor, major, aid));
    }

    public NameRef utf8(String text) {
        return new NameRef(intern("u" + text, new Utf8(text.getBytes(java.nio.charset.StandardCharsets.UTF_8))), text);
    }

    public NameRef className(String path) {
        int name = utf8(path).index();
        return new NameRef(intern("c" + path, new ClassName(name)), path);
    }

    /** A field with a token. */
    public ExportField field(int token, int flags, String name, String descriptor) {
        return new ExportField(token, flags, utf8(name), utf8(descriptor), List.of());
    }

    /** A compile-time constant, which has no token. */
    public ExportField constant(int flags, String name, String descriptor, int value) {
        NameRef nameRef = utf8(name);
        NameRef type = utf8(descriptor);
        NameRef attribute = utf8("ConstantValue");
        int index = intern("i" + value, new IntegerConstant(value));
        return new ExportField(0xFF, flags, nameRef, type, List.of(new ConstantValue(attribute, index, value)));
    }

    public ExportMethod method(int token, int flags, String name, String descriptor) {
        return new ExportMethod(token, flags, utf8(name), utf8(descriptor));
    }

    /**
     * Adds a class or interface.
     *
     * @param supers     the chain from Object down; Object alone for an interface, empty for Object
     * @param interfaces all interfaces, flattened
     */
    public ExportBuilder add(
            int token,
            int flags,
            String name,
            List<String> supers,
            List<String> interfaces,
            List<ExportField> fields,
            List<ExportMethod> methods) {
        NameRef nameRef = className(name);
        List<NameRef> superRefs = supers.stream().map(this::className).toList();
        List<NameRef> interfaceRefs = interfaces.stream().map(this::className).toList();
        classes.add(new ExportClass(token, flags, nameRef, superRefs, interfaceRefs, fields, methods, -1));
        return this;
    }

    public ExportFile build() {
        return new ExportFile(2, formatMinor, pool, thisPackage, Optional.empty(), classes);
    }

    private int intern(Object key, ConstantPoolEntry entry) {
        Integer known = indexes.get(key);
        if (known != null) {
            return known;
        }
        pool.add(entry);
        indexes.put(key, pool.size() - 1);
        return pool.size() - 1;
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap.exp;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.opentsm.cap.Aid;
import org.opentsm.cap.AtomicFile;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.CapZip;

/**
 * An export file (.exp) 2.1, 2.2 or 2.3: the linkable face of a package. Names are kept with the constant pool index
 * they came from, so that reading and writing gives the same bytes.
 *
 * @param referencedPackages constant pool indexes, present exactly in format 2.3
 */
public record ExportFile(
        int formatMajor,
        int formatMinor,
        List<ConstantPoolEntry> constantPool,
        int thisPackage,
        Optional<List<Integer>> referencedPackages,
        List<ExportClass> classes) {
    public static final int MAGIC = 0x00FACADE;

    /** A constant pool entry. */
    public sealed interface ConstantPoolEntry permits Utf8, IntegerConstant, ClassName, PackageEntry {}

    /** Tag 1. */
    public record Utf8(byte[] bytes) implements ConstantPoolEntry {
        public String text() {
            return new String(bytes, java.nio.charset.StandardCharsets.UTF_8);
        }
    }

    /** Tag 3. */
    public record IntegerConstant(int value) implements ConstantPoolEntry {}

    /** Tag 7: nameIndex points to a Utf8 with the full path. */
    public record ClassName(int nameIndex) implements ConstantPoolEntry {}

    /** Tag 13; flags 01 = library. */
    public record PackageEntry(int flags, int nameIndex, int minor, int major, Aid aid) implements ConstantPoolEntry {}

    /** A name and the constant pool index it is written as. */
    public record NameRef(int index, String text) {
        @Override
        public String toString() {
            return text;
        }
    }

    /**
     * @param token                   class token
     * @param flags                   1 public, 10 final, 200 interface, 400 abstract, 800 shareable, 1000 remote
     * @param nameRef                 full path, "javacard/framework/Applet"
     * @param superRefs               the whole chain, from Object down; superinterfaces of an interface
     * @param inheritableVirtualCount format 2.3's count byte, -1 before
     */
    public record ExportClass(
            int token,
            int flags,
            NameRef nameRef,
            List<NameRef> superRefs,
            List<NameRef> interfaceRefs,
            List<ExportField> fields,
            List<ExportMethod> methods,
            int inheritableVirtualCount) {
        public ExportClass {
            superRefs = List.copyOf(superRefs);
            interfaceRefs = List.copyOf(interfaceRefs);
            fields = List.copyOf(fields);
            methods = List.copyOf(methods);
        }

        public String name() {
            return nameRef.text;
        }

        public List<String> superclasses() {
            return superRefs.stream().map(NameRef::text).toList();
        }

        public List<String> interfaces() {
            return interfaceRefs.stream().map(NameRef::text).toList();
        }

        public boolean isInterface() {
            return (flags & 0x200) != 0;
        }

        public boolean isShareable() {
            return (flags & 0x800) != 0;
        }

        public Optional<ExportMethod> method(String name, String descriptor) {
            return methods.stream()
                    .filter(m -> m.name().equals(name) && m.descriptor().equals(descriptor))
                    .findFirst();
        }

        public Optional<ExportField> field(String name) {
            return fields.stream().filter(f -> f.name().equals(name)).findFirst();
        }
    }

    /**
     * @param token      FF for a compile-time constant
     * @param attributes ConstantValue attributes
     */
    public record ExportField(
            int token, int flags, NameRef nameRef, NameRef descriptorRef, List<ConstantValue> attributes) {
        public ExportField {
            attributes = List.copyOf(attributes);
        }

        public String name() {
            return nameRef.text;
        }

        public String descriptor() {
            return descriptorRef.text;
        }

        public boolean isStatic() {
            return (flags & 8) != 0;
        }

        public Optional<Integer> constant() {
            return attributes.stream().map(ConstantValue::value).findFirst();
        }
    }

    /** A ConstantValue attribute: the indexes of its name and of the Integer, and that Integer's value. */
    public record ConstantValue(NameRef nameRef, int valueIndex, int value) {}

    /** @param flags 1 public, 4 protected, 8 static, 10 final, 400 abstract */
    public record ExportMethod(int token, int flags, NameRef nameRef, NameRef descriptorRef) {
        public String name() {
            return nameRef.text;
        }

        public String descriptor() {
            return descriptorRef.text;
        }

        public boolean isStatic() {
            return (flags & 8) != 0;
        }

        public boolean isConstructor() {
            return nameRef.text.equals("<init>");
        }
    }

    public ExportFile {
        constantPool = List.copyOf(constantPool);
        referencedPackages = referencedPackages.map(List::copyOf);
        classes = List.copyOf(classes);
    }

    public static ExportFile read(Path file) throws IOException {
        return read(CapZip.readBounded(file));
    }

    /** @throws CapFormatException when the bytes are not an export file of 2.1 to 2.3 */
    public static ExportFile read(byte[] bytes) {
        return ExportReader.read(bytes);
    }

    public PackageEntry packageEntry() {
        return (PackageEntry) constantPool.get(thisPackage);
    }

    /** Package path with "/". */
    public String packageName() {
        return ((Utf8) constantPool.get(packageEntry().nameIndex)).text();
    }

    public Aid aid() {
        return packageEntry().aid;
    }

    public int major() {
        return packageEntry().major;
    }

    public int minor() {
        return packageEntry().minor;
    }

    public Optional<ExportClass> classByToken(int token) {
        return classes.stream().filter(item -> item.token == token).findFirst();
    }

    /** @param name full path with "/" */
    public Optional<ExportClass> classByName(String name) {
        return classes.stream().filter(item -> item.name().equals(name)).findFirst();
    }

    public byte[] toBytes() {
        return ExportWriter.write(this);
    }

    /** Writes to a temporary name and renames. */
    public void writeTo(Path file) throws IOException {
        AtomicFile.write(file, toBytes());
    }
}

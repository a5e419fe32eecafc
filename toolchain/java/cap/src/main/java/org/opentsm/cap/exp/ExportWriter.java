// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap.exp;

import org.opentsm.cap.ByteWriter;
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

/** Writes an export file from its indexes. */
final class ExportWriter {
    private ExportWriter() {}

    static byte[] write(ExportFile file) {
        ByteWriter out =
                new ByteWriter().s4(ExportFile.MAGIC).u1(file.formatMinor()).u1(file.formatMajor());
        out.u2(file.constantPool().size());
        file.constantPool().forEach(entry -> writeEntry(entry, out));
        out.u2(file.thisPackage());
        file.referencedPackages().ifPresent(list -> out.u2(list.size()).u2s(list));
        out.u1(file.classes().size());
        file.classes().forEach(item -> writeClass(item, out));
        return out.toByteArray();
    }

    private static void writeEntry(ConstantPoolEntry entry, ByteWriter out) {
        if (entry instanceof Utf8 utf8) {
            out.u1(1).u2(utf8.bytes().length).bytes(utf8.bytes());
        } else if (entry instanceof IntegerConstant constant) {
            out.u1(3).s4(constant.value());
        } else if (entry instanceof ClassName name) {
            out.u1(7).u2(name.nameIndex());
        } else if (entry instanceof PackageEntry item) {
            out.u1(13).u1(item.flags()).u2(item.nameIndex()).u1(item.minor()).u1(item.major());
            out.u1(item.aid().length()).bytes(item.aid().bytes());
        }
    }

    private static void writeClass(ExportClass item, ByteWriter out) {
        out.u1(item.token())
                .u2(item.flags())
                .u2(item.nameRef().index())
                .u2(item.superRefs().size());
        item.superRefs().forEach(ref -> out.u2(ref.index()));
        out.u1(item.interfaceRefs().size());
        item.interfaceRefs().stream().map(NameRef::index).forEach(out::u2);
        out.u2(item.fields().size());
        for (ExportField field : item.fields()) {
            out.u1(field.token())
                    .u2(field.flags())
                    .u2(field.nameRef().index())
                    .u2(field.descriptorRef().index());
            out.u2(field.attributes().size());
            for (ConstantValue value : field.attributes()) {
                out.u2(value.nameRef().index()).s4(2).u2(value.valueIndex());
            }
        }
        out.u2(item.methods().size());
        for (ExportMethod method : item.methods()) {
            out.u1(method.token())
                    .u2(method.flags())
                    .u2(method.nameRef().index())
                    .u2(method.descriptorRef().index());
        }
        if (item.inheritableVirtualCount() >= 0) {
            out.u1(item.inheritableVirtualCount());
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap.tool;

import java.io.IOException;
import org.opentsm.cap.exp.ExportFile;
import org.opentsm.cap.exp.ExportFile.ExportClass;
import org.opentsm.cap.exp.ExportFile.ExportField;
import org.opentsm.cap.exp.ExportFile.ExportMethod;

/** Prints an export file: classes and members with their tokens. */
public final class ExportDump {
    private ExportDump() {}

    public static void dump(ExportFile file, Appendable out) throws IOException {
        out.append(String.format(
                "package %s %s %d.%d, export format %d.%d\n",
                file.packageName(), file.aid(), file.major(), file.minor(), file.formatMajor(), file.formatMinor()));
        for (ExportClass item : file.classes()) {
            String kind = item.isInterface() ? "interface" : "class";
            out.append(String.format("\n%3d %s%s %s", item.token(), flags(item.flags() & ~0x200), kind, item.name()));
            out.append(item.superclasses().isEmpty() ? "" : " extends " + item.superclasses());
            out.append(item.interfaces().isEmpty() ? "" : " implements " + item.interfaces())
                    .append('\n');
            for (ExportField field : item.fields()) {
                out.append(String.format(
                        "    %3s %s%s %s%s\n",
                        token(field.token()),
                        flags(field.flags()),
                        field.name(),
                        field.descriptor(),
                        field.constant().map(value -> " = " + value).orElse("")));
            }
            for (ExportMethod method : item.methods()) {
                out.append(String.format(
                        "    %3s %s%s%s\n",
                        token(method.token()), flags(method.flags()), method.name(), method.descriptor()));
            }
        }
    }

    private static String token(int token) {
        return token == 0xFF ? "-" : String.valueOf(token);
    }

    private static String flags(int flags) {
        return ((flags & 1) != 0 ? "public " : "")
                + ((flags & 4) != 0 ? "protected " : "")
                + ((flags & 8) != 0 ? "static " : "")
                + ((flags & 0x10) != 0 ? "final " : "")
                + ((flags & 0x400) != 0 ? "abstract " : "")
                + ((flags & 0x800) != 0 ? "shareable " : "")
                + ((flags & 0x1000) != 0 ? "remote " : "");
    }
}

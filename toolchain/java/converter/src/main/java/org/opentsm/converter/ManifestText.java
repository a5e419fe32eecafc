// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.opentsm.cap.Aid;
import org.opentsm.cap.exp.ExportFile;

/** META-INF/MANIFEST.MF with the keys other Java Card tools read. Holds no time of day: same input, same bytes. */
final class ManifestText {
    private static final int LINE = 70;
    private final ConverterInput input;
    private final List<ExportFile> imports;
    private final boolean usesInt;
    private final StringBuilder text = new StringBuilder();

    ManifestText(ConverterInput input, List<ExportFile> imports, boolean usesInt) {
        this.input = input;
        this.imports = imports;
        this.usesInt = usesInt;
    }

    byte[] bytes() {
        line("Manifest-Version", "1.0");
        line("Created-By", "opentsm");
        if (input.levelAtLeast("3.0")) {
            line("Runtime-Descriptor-Version", "3.0");
            line("Application-Type", "classic-applet");
            line("Classic-Package-AID", uri(input.packageAid));
            line("Sealed", "true");
        }
        text.append("\r\n");
        line("Name", input.packageName);
        line("Java-Card-CAP-Creation-Time", "Thu Jan 01 00:00:00 UTC 1970");
        line("Java-Card-Converter-Version", "[v" + input.level + "]");
        line("Java-Card-Converter-Provider", "opentsm");
        line("Java-Card-CAP-File-Version", input.capVersion.toString());
        line("Java-Card-Package-Version", input.major + "." + input.minor);
        line("Java-Card-Package-Name", input.packageName.replace('/', '.'));
        line("Java-Card-Package-AID", input.packageAid.toColonHex());
        for (int i = 0; i < input.applets.size(); i++) {
            String name = input.applets.get(i).className();
            int simple = Math.max(name.lastIndexOf('.'), name.lastIndexOf('/')) + 1;
            line("Java-Card-Applet-" + (i + 1) + "-Name", name.substring(simple));
            line(
                    "Java-Card-Applet-" + (i + 1) + "-AID",
                    input.applets.get(i).aid().toColonHex());
        }
        for (int i = 0; i < imports.size(); i++) {
            line(
                    "Java-Card-Imported-Package-" + (i + 1) + "-AID",
                    imports.get(i).aid().toColonHex());
            line(
                    "Java-Card-Imported-Package-" + (i + 1) + "-Version",
                    imports.get(i).major() + "." + imports.get(i).minor());
        }
        line("Java-Card-Integer-Support-Required", usesInt ? "TRUE" : "FALSE");
        text.append("\r\n");
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static String uri(Aid aid) {
        String hex = aid.toString();
        return "//aid/" + hex.substring(0, 10) + "/" + hex.substring(10);
    }

    /** Lines longer than 72 bytes continue on the next one behind a space. */
    private void line(String key, String value) {
        String whole = key + ": " + value;
        int at = Math.min(LINE, whole.length());
        text.append(whole, 0, at).append("\r\n");
        while (at < whole.length()) {
            int next = Math.min(at + LINE - 1, whole.length());
            text.append(' ').append(whole, at, next).append("\r\n");
            at = next;
        }
    }
}

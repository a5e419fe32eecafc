// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.opentsm.cap.Aid;
import org.opentsm.cap.exp.ExportBuilder;
import org.opentsm.cap.exp.ExportFile;
import org.opentsm.cap.exp.ExportFile.ExportField;
import org.opentsm.cap.exp.ExportFile.ExportMethod;
import org.opentsm.cap.exp.ExportFileProvider;

/** Small export files to link against: java.lang 1.0 and a part of javacard.framework 1.3 with one class of our own. */
final class Exports {
    static final String OBJECT = "java/lang/Object";
    static final ExportFile LANG = lang();
    static final ExportFile FRAMEWORK = framework();
    static final ExportFileProvider ALL = (aid, major, minor) -> {
        Aid asked = new Aid(aid);
        return List.of(LANG, FRAMEWORK).stream()
                .filter(file -> file.aid().equals(asked) && file.major() == major && file.minor() >= minor)
                .findFirst();
    };
    static final ExportFileProvider NONE = (aid, major, minor) -> Optional.empty();

    private Exports() {}

    private static ExportFile lang() {
        ExportBuilder b = new ExportBuilder(1, "java/lang", Aid.ofHex("A0000000620001"), 1, 0, true);
        ExportMethod init = b.method(0, 1, "<init>", "()V");
        ExportMethod equals = b.method(0, 1, "equals", "(Ljava/lang/Object;)Z");
        b.add(0, 1, OBJECT, List.of(), List.of(), List.of(), List.of(init, equals));
        b.add(1, 1, "java/lang/Throwable", List.of(OBJECT), List.of(), List.of(), List.of(init, equals));
        b.add(
                2,
                1,
                "java/lang/Exception",
                List.of(OBJECT, "java/lang/Throwable"),
                List.of(),
                List.of(),
                List.of(init, equals));
        return b.build();
    }

    /** 0 Shareable, 3 Applet, 4 Util, 5 Final, 6 Callback (an interface), 10 APDU. */
    private static ExportFile framework() {
        ExportBuilder b = new ExportBuilder(1, "javacard/framework", Aid.ofHex("A0000000620101"), 1, 3, true);
        ExportMethod equals = b.method(0, 1, "equals", "(Ljava/lang/Object;)Z");
        b.add(0, 0xE01, "javacard/framework/Shareable", List.of(OBJECT), List.of(), List.of(), List.of());
        b.add(
                3,
                0x401,
                "javacard/framework/Applet",
                List.of(OBJECT),
                List.of(),
                List.of(),
                List.of(
                        b.method(0, 4, "<init>", "()V"),
                        equals,
                        b.method(1, 0x14, "register", "()V"),
                        b.method(3, 1, "select", "()Z"),
                        b.method(7, 0x401, "process", "(Ljavacard/framework/APDU;)V")));
        ExportField field = b.field(0, 9, "counter", "S");
        ExportField hidden = b.field(1, 0xC, "hidden", "S");
        b.add(
                4,
                0x11,
                "javacard/framework/Util",
                List.of(OBJECT),
                List.of(),
                List.of(field, hidden),
                List.of(b.method(0, 9, "makeShort", "(BB)S"), b.method(1, 0xC, "inner", "()V"), equals));
        b.add(5, 0x11, "javacard/framework/Final", List.of(OBJECT), List.of(), List.of(), List.of(equals));
        b.add(
                6,
                0x601,
                "javacard/framework/Callback",
                List.of(OBJECT),
                List.of(),
                List.of(),
                List.of(b.method(0, 0x401, "call", "(S)S")));
        b.add(
                10,
                0x11,
                "javacard/framework/APDU",
                List.of(OBJECT),
                List.of(),
                List.of(),
                Arrays.asList(b.method(1, 1, "getBuffer", "()[B"), equals));
        return b.build();
    }
}

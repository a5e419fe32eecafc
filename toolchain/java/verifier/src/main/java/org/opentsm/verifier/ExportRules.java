// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import java.util.List;
import org.opentsm.cap.DescriptorComponent;
import org.opentsm.cap.ExportComponent;
import org.opentsm.cap.ExportComponent.ExportedClass;
import org.opentsm.verifier.PackageView.ClassView;
import org.opentsm.verifier.PackageView.MethodView;

/** Rules of Export: index = class token, arrays by static token, applet packages export shareable interfaces only. */
final class ExportRules {
    private final PackageView view;
    private final Findings findings;

    ExportRules(PackageView view) {
        this.view = view;
        this.findings = view.findings;
    }

    void check(ExportComponent export) {
        boolean appletPackage = view.cap.applet().isPresent();
        for (int token = 0; token < export.classes().size(); token++) {
            ExportedClass item = export.classes().get(token);
            ClassView own = view.classes.get(item.classOffset());
            String where = "class token " + token;
            if (own == null) {
                findings.error("Export", where, -1, "export-class", "no class starts at " + item.classOffset());
                continue;
            }
            if (own.descriptor() != null && own.descriptor().token() != token) {
                findings.error(
                        "Export",
                        where,
                        -1,
                        "export-token",
                        "the class has token " + own.descriptor().token());
            }
            if (appletPackage && !(own.isInterface() && own.entry().isShareable())) {
                findings.error(
                        "Export", where, -1, "export-applet", "an applet package exports only shareable interfaces");
            }
            if (own.descriptor() != null) {
                checkMembers(where, own, item);
            }
        }
    }

    private void checkMembers(String where, ClassView own, ExportedClass item) {
        long fields = own.descriptor().fields().stream()
                .filter(f -> f.isStatic() && f.token() != DescriptorComponent.NO_TOKEN)
                .count();
        if (fields != item.fieldOffsets().size()) {
            findings.error(
                    "Export",
                    where,
                    -1,
                    "export-field",
                    item.fieldOffsets().size() + " static fields, the class has " + fields + " with tokens");
        }
        own.descriptor().fields().stream()
                .filter(f -> f.isStatic() && f.token() < item.fieldOffsets().size())
                .filter(f -> f.imageOffset() != item.fieldOffsets().get(f.token()))
                .forEach(f -> findings.error(
                        "Export",
                        where,
                        -1,
                        "export-field",
                        "static field token " + f.token() + " has image offset " + f.imageOffset()));
        List<MethodView> methods = own.descriptor().methods().stream()
                .filter(m -> (m.isStatic() || m.isInit()) && m.token() != DescriptorComponent.NO_TOKEN)
                .map(m -> view.methods.get(m.methodOffset()))
                .filter(m -> m != null && m.owner() == own)
                .toList();
        if (methods.size() != item.methodOffsets().size()) {
            findings.error(
                    "Export",
                    where,
                    -1,
                    "export-method",
                    item.methodOffsets().size() + " static methods, the class has " + methods.size() + " with tokens");
        }
        for (MethodView method : methods) {
            int token = method.descriptor().token();
            if (token >= item.methodOffsets().size()
                    || item.methodOffsets().get(token) != method.descriptor().methodOffset()) {
                findings.error(
                        "Export",
                        where,
                        -1,
                        "export-method",
                        "static method token " + token + " is at "
                                + method.descriptor().methodOffset());
            }
        }
    }
}

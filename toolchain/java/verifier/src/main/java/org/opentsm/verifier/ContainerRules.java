// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.opentsm.cap.Aid;
import org.opentsm.cap.AppletComponent;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapVersion;
import org.opentsm.cap.Component;
import org.opentsm.cap.ComponentTag;
import org.opentsm.cap.DescriptorComponent;
import org.opentsm.cap.DirectoryComponent;
import org.opentsm.cap.HeaderComponent;
import org.opentsm.cap.PackageInfo;
import org.opentsm.cap.RawComponent;
import org.opentsm.cap.StaticFieldComponent;
import org.opentsm.cap.TypeDescriptor;
import org.opentsm.cap.TypeDescriptor.Type;
import org.opentsm.verifier.PackageView.MethodView;

/** Rules of Header, Directory, Applet and Import. */
final class ContainerRules {
    private static final TypeDescriptor INSTALL = new TypeDescriptor(List.of(
            Type.of(TypeDescriptor.ARRAY_OF_BYTE),
            Type.of(TypeDescriptor.SHORT),
            Type.of(TypeDescriptor.BYTE),
            Type.of(TypeDescriptor.VOID)));
    private final PackageView view;
    private final CapFile cap;
    private final Findings findings;

    ContainerRules(PackageView view) {
        this.view = view;
        this.cap = view.cap;
        this.findings = view.findings;
    }

    void check() {
        checkHeader();
        checkDirectory();
        cap.applet().ifPresent(this::checkApplets);
        checkImports();
        if (view.inferred) {
            findings.note(
                    "Descriptor",
                    "",
                    -1,
                    "component-missing",
                    "there is no Descriptor: classes of references are checked where they are used, "
                            + "when the code runs; access to private and protected members and "
                            + "methods that nothing leads to are not checked");
        }
    }

    private void checkHeader() {
        HeaderComponent header = cap.header();
        int known = HeaderComponent.ACC_INT | HeaderComponent.ACC_EXPORT | HeaderComponent.ACC_APPLET;
        if ((header.flags() & ~known) != 0) {
            findings.error("Header", 6, "header-flags", String.format("flags %02X has undefined bits", header.flags()));
        }
        checkPresence("ACC_EXPORT", HeaderComponent.ACC_EXPORT, ComponentTag.EXPORT);
        checkPresence("ACC_APPLET", HeaderComponent.ACC_APPLET, ComponentTag.APPLET);
    }

    private void checkPresence(String name, int flag, ComponentTag tag) {
        boolean set = (cap.header().flags() & flag) != 0;
        boolean present = cap.component(tag).isPresent();
        if (set != present) {
            findings.error(
                    "Header",
                    6,
                    "header-flags",
                    name + " is " + (set ? "set" : "clear") + " but the " + tag.fileName() + " component is "
                            + (present ? "present" : "absent"));
        }
    }

    private void checkDirectory() {
        DirectoryComponent directory = cap.directory();
        for (ComponentTag tag : ComponentTag.values()) {
            boolean noted = tag.value() <= directory.componentSizes().size()
                    || tag == ComponentTag.STATIC_RESOURCES && cap.header().version() == CapVersion.V2_3;
            // A load file leaves Descriptor and Debug out, and some tools write Debug with a wrong size.
            boolean optional = tag == ComponentTag.DEBUG
                    || tag == ComponentTag.DESCRIPTOR
                            && (view.inferred || cap.descriptor().isEmpty());
            if (!noted || optional) {
                continue;
            }
            int actual = cap.component(tag)
                    .map(Component::info)
                    .map(info -> info.length)
                    .orElse(0);
            // StaticResources may have a u4 size of its own.
            boolean wide = tag == ComponentTag.STATIC_RESOURCES && directory.sizeOf(tag) == actual - 2;
            if (directory.sizeOf(tag) != actual && !wide) {
                findings.error(
                        "Directory",
                        2 * (tag.value() - 1),
                        "directory-size",
                        tag.fileName() + " has size " + actual + ", Directory says " + directory.sizeOf(tag));
            }
        }
        StaticFieldComponent image = cap.staticFields();
        compare("image_size", image.imageSize(), directory.imageSize());
        compare("array_init_count", image.arrayInits().size(), directory.arrayInitCount());
        compare("array_init_size", image.arrayInitSize(), directory.arrayInitSize());
        compare("import_count", cap.imports().packages().size(), directory.importCount());
        compare("applet_count", cap.applet().map(a -> a.applets().size()).orElse(0), directory.appletCount());
        for (DirectoryComponent.Custom line : directory.customs()) {
            if (line.tag() < 0x80) {
                findings.error("Directory", -1, "custom-tag", "custom component tag " + line.tag() + " is below 128");
            }
            Optional<RawComponent> custom =
                    cap.customs().stream().filter(c -> c.tag() == line.tag()).findFirst();
            if (custom.isPresent() && custom.get().info().length != line.size()) {
                findings.error(
                        "Directory",
                        -1,
                        "directory-size",
                        "custom component " + line.tag() + " has size "
                                + custom.get().info().length + ", Directory says " + line.size());
            }
        }
    }

    private void compare(String what, int actual, int noted) {
        if (actual != noted) {
            findings.error("Directory", -1, "directory-count", what + " is " + actual + ", Directory says " + noted);
        }
    }

    private void checkApplets(AppletComponent applets) {
        Aid packageAid = cap.header().packageInfo().aid();
        Set<Aid> seen = new HashSet<>();
        if (applets.applets().isEmpty()) {
            findings.error("Applet", 0, "applet-count", "an Applet component must list an applet");
        }
        for (AppletComponent.Applet applet : applets.applets()) {
            String where = "applet " + applet.aid();
            if (!seen.add(applet.aid())) {
                findings.error("Applet", where, -1, "applet-aid", "the AID is listed twice");
            }
            checkRid(applet.aid(), packageAid, where);
            if (applet.aid().equals(packageAid)
                    || cap.imports().packages().stream()
                            .anyMatch(one -> one.aid().equals(applet.aid()))) {
                findings.error(
                        "Applet",
                        where,
                        -1,
                        "applet-aid",
                        "it is the AID of " + (applet.aid().equals(packageAid) ? "the package" : "an imported package")
                                + " too; a card refuses that");
            }
            if (cap.descriptor().isPresent()) {
                checkInstall(where, applet.installOffset());
            }
        }
    }

    /** The payment system environment has a name for an AID, which is nobody's RID (EMV book 1, 12.2.2). */
    private void checkRid(Aid applet, Aid packageAid, String where) {
        if (applet.sameRid(packageAid)) {
            return;
        }
        if (applet.isPaymentDirectory()) {
            findings.warning(
                    "Applet",
                    where,
                    -1,
                    "applet-rid",
                    "a payment directory's AID has no RID of package " + packageAid + "; some cards refuse it");
        } else {
            findings.error("Applet", where, -1, "applet-rid", "the RID differs from that of package " + packageAid);
        }
    }

    private void checkInstall(String where, int offset) {
        MethodView method = view.methods.get(offset);
        int wanted = DescriptorComponent.ACC_PUBLIC | DescriptorComponent.ACC_STATIC;
        if (method == null) {
            findings.error("Applet", where, offset, "install-offset", "install does not point at a method");
        } else if ((method.descriptor().flags() & wanted) != wanted || !INSTALL.equals(method.type())) {
            findings.error(
                    "Applet",
                    where,
                    offset,
                    "install-signature",
                    "install must be public static void install(byte[], short, byte), found " + method.type());
        }
    }

    private void checkImports() {
        Set<Aid> seen = new HashSet<>();
        List<PackageInfo> packages = cap.imports().packages();
        for (int i = 0; i < packages.size(); i++) {
            PackageInfo item = packages.get(i);
            if (!seen.add(item.aid())) {
                findings.error("Import", "package " + i, -1, "import-twice", item.aid() + " is imported twice");
            }
            if (item.aid().equals(cap.header().packageInfo().aid())) {
                findings.error("Import", "package " + i, -1, "import-self", "the package imports itself");
            }
            if (view.importFile(i).isEmpty()) {
                findings.note(
                        "Import",
                        "package " + i,
                        -1,
                        "import-unresolved",
                        "no export file for " + item + ", references into it are not checked");
            }
        }
    }
}

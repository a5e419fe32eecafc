// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.objectweb.asm.ClassTooLargeException;
import org.objectweb.asm.MethodTooLargeException;
import org.opentsm.api.AnyLevel;
import org.opentsm.api.Declarations;
import org.opentsm.cap.Aid;
import org.opentsm.cap.AppletComponent.Applet;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.ComponentTag;
import org.opentsm.cap.PackageInfo;
import org.opentsm.cap.exp.ExportFile;
import org.opentsm.cap.exp.ExportFileProvider;
import org.opentsm.inference.DescriptorInference;
import org.opentsm.inference.InferenceException;
import org.opentsm.linker.LinkException.Code;
import org.opentsm.verifier.Finding;
import org.opentsm.verifier.Severity;
import org.opentsm.verifier.Verifier;

/**
 * Links CAPs one after the other, as a card loads them: each is verified, its imports are resolved to the API or to a
 * package linked before, and its bytecode becomes JVM classes of the same behaviour (class file version 49, so without
 * stack maps).
 *
 * <p>A CAP has no names. Class C0010 of package pA000000073 is the class at Class offset 10 hex; members are named by
 * token or offset:
 * v3 and k0 virtual methods (public, package-visible), m0012 static and private ones, f1 fields, s0004 static fields. A
 * method that overrides one of the API has the API's name, and each interface method leads to its implementation over a
 * bridge. Source file and lines are those of the Debug component, when there is one; the file has its package before it
 * ("shop/Counter.java"), as the class no longer tells that.
 */
public final class Linker {
    private final Platform platform;
    private final List<PlatformInterface> outside;
    private final AnyLevel api = new AnyLevel();
    private final Map<Aid, LinkedPackage> linked = new LinkedHashMap<>();

    /**
     * @param platform finds the API's implementation; what a CAP uses and the platform lacks is refused
     * @param outside  interfaces that the platform implements itself
     */
    public Linker(ClassLoader platform, List<PlatformInterface> outside) {
        this(platform, outside, List.of());
    }

    /** @param before packages that another linker of the same platform has linked, in order */
    public Linker(ClassLoader platform, List<PlatformInterface> outside, List<LinkedPackage> before) {
        this.platform = new Platform(platform);
        this.outside = List.copyOf(outside);
        before.forEach(made -> linked.put(made.info().aid(), made));
    }

    /**
     * Links one CAP; packages it imports must have been linked before.
     *
     * @throws LinkException when it cannot be linked; nothing is changed then
     */
    public LinkedPackage link(CapFile given) {
        PackageInfo own = given.header().packageInfo();
        if (linked.containsKey(own.aid())) {
            throw new LinkException(Code.LOADED_TWICE, "a package " + own.aid() + " is already linked");
        }
        if (isOfApi(platform, own.aid())) {
            throw new LinkException(Code.LOADED_TWICE, "package " + own.aid() + " is one of this platform's API");
        }
        List<ExportFile> imports = imports(given);
        CapFile cap = checked(given);
        CapView view = new CapView(cap, imports, outside);
        try {
            LinkedPackage made = emit(view);
            if (view.inferred) {
                new JvmCheck(platform.loader(), linked.values()).check(made);
            }
            linked.put(own.aid(), made);
            return made;
        } catch (MethodTooLargeException e) {
            throw new LinkException(
                    Code.TOO_LARGE,
                    e.getClassName() + "." + e.getMethodName() + " exceeds 65535 bytes of a class file's method");
        } catch (ClassTooLargeException e) {
            throw new LinkException(Code.TOO_LARGE, e.getClassName() + " exceeds the constants of a class file");
        }
    }

    /**
     * True when the platform's API has a package of this AID: none can be linked by that name, as code linked later
     * would run in it in place of the platform's.
     */
    public static boolean isOfApi(ClassLoader platform, Aid aid) {
        return isOfApi(new Platform(platform), aid);
    }

    private static boolean isOfApi(Platform platform, Aid aid) {
        return Declarations.all().packages().stream()
                .filter(one -> one.aid().equals(aid))
                .anyMatch(one -> one.classes().stream().anyMatch(item -> platform.has(item.name())));
    }

    /** Completed and verified; what is refused for a library's missing Descriptor says so. */
    private CapFile checked(CapFile given) {
        List<Aid> untyped = given.imports().packages().stream()
                .map(PackageInfo::aid)
                .filter(aid -> linked.containsKey(aid) && linked.get(aid).inferred())
                .toList();
        try {
            CapFile cap = complete(given, !untyped.isEmpty());
            verify(cap);
            return cap;
        } catch (LinkException refused) {
            if (untyped.isEmpty()) {
                throw refused;
            }
            throw new LinkException(
                    refused.code(),
                    refused.getMessage() + "; library " + untyped.get(0)
                            + " was loaded without its Descriptor component,"
                            + " so that what it does not use itself is guessed: load it with Descriptor",
                    refused.findings());
        }
    }

    /**
     * @param untyped whether it uses a package without Descriptor: it knows as little of classes as that one, and its
     *     own Descriptor would contradict
     */
    private CapFile complete(CapFile given, boolean untyped) {
        if (given.descriptor().isPresent() && !untyped) {
            return given;
        }
        try {
            return DescriptorInference.infer(
                    given.withoutDescriptor(), (aid, major, minor) -> find(new Aid(aid), major, minor));
        } catch (InferenceException e) {
            throw LinkException.inconsistent(
                    "there is no Descriptor, and the other components do not make up for it: " + e.getMessage());
        }
    }

    /** The packages linked so far, in order. */
    public List<LinkedPackage> packages() {
        return List.copyOf(linked.values());
    }

    /** Serves imports: packages linked before, and those of the API that the platform may have. */
    private Optional<ExportFile> find(Aid aid, int major, int minor) {
        LinkedPackage earlier = linked.get(aid);
        if (earlier == null) {
            return api.find(aid.bytes(), major, minor);
        }
        boolean fits = earlier.info().major() == major && earlier.info().minor() >= minor;
        return fits ? Optional.of(earlier.exports()) : Optional.empty();
    }

    private List<ExportFile> imports(CapFile cap) {
        List<ExportFile> found = new ArrayList<>();
        for (PackageInfo wanted : cap.imports().packages()) {
            ExportFile file = find(wanted.aid(), wanted.major(), wanted.minor())
                    .orElseThrow(() -> LinkException.unresolved("package " + wanted + " is imported, but "
                            + (linked.containsKey(wanted.aid())
                                    ? "version "
                                            + linked.get(wanted.aid()).info().major() + "."
                                            + linked.get(wanted.aid()).info().minor() + " is linked"
                                    : "neither linked before nor known in that version")));
            if (!linked.containsKey(wanted.aid()) && !platform.hasAnyOf(file)) {
                throw LinkException.unresolved("package " + file.packageName().replace('/', '.') + " (" + wanted
                        + ") is not on this platform");
            }
            found.add(file);
        }
        return found;
    }

    private void verify(CapFile cap) {
        ExportFileProvider exports = (aid, major, minor) -> find(new Aid(aid), major, minor);
        List<Finding> errors = Verifier.verify(cap, exports).stream()
                .filter(finding -> finding.severity() == Severity.ERROR)
                .toList();
        if (!errors.isEmpty()) {
            String more = errors.size() == 1 ? "" : " and " + (errors.size() - 1) + " more";
            throw new LinkException(Code.NOT_VERIFIED, "verification: " + errors.get(0) + more, errors);
        }
    }

    private LinkedPackage emit(CapView view) {
        new TableCheck(view).check();
        view.checkPlatform(
                platform, classRef -> linked.containsKey(view.importOf(classRef).aid()));
        Map<Integer, String> installs = new HashMap<>();
        Map<String, String> applets = new LinkedHashMap<>();
        for (Applet applet :
                view.cap.applet().map(component -> component.applets()).orElse(List.of())) {
            CapView.Owned install = view.method(applet.installOffset());
            installs.put(install.owner().classRef(), install.name().name());
            applets.put(
                    applet.aid().toString(),
                    view.name(install.owner().classRef()).replace('/', '.'));
        }
        Map<String, byte[]> classes = new LinkedHashMap<>();
        for (CapView.ClassView item : view.classes()) {
            if (!view.isOutside(item.offset())) {
                byte[] code = new ClassEmitter(view, item).emit(Optional.ofNullable(installs.get(item.offset())));
                classes.put(view.name(item.offset()).replace('/', '.'), code);
            }
        }
        return new LinkedPackage(
                view.cap.header().packageInfo(),
                classes,
                applets,
                new ExportNames(view).file(),
                StaticResources.of(view.cap.component(ComponentTag.STATIC_RESOURCES)),
                view.inferred);
    }
}

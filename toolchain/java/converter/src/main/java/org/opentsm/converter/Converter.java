// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.objectweb.asm.Opcodes;
import org.opentsm.cap.Aid;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.exp.ExportFile;

/**
 * Converts the class files of one package to a CAP file and, when other packages can import from it, an export file.
 * Collects all errors instead of stopping at the first; the same input gives the same bytes.
 */
public final class Converter {
    static final String APPLET = "javacard/framework/Applet";
    private static final String REMOTE = "java/rmi/Remote";
    private static final String INSTALL = "install([BSB)V";

    private final ConverterInput input;
    private final Diagnostics diagnostics = new Diagnostics();
    private World world;
    private List<LinkedClass> ordered;

    private Converter(ConverterInput input) {
        this.input = input;
    }

    /** Converts. Never throws for bad class files; look at {@link ConverterResult#diagnostics}. */
    public static ConverterResult convert(ConverterInput input) {
        return new Converter(input).run();
    }

    private ConverterResult run() {
        try {
            return convertPackage();
        } catch (ConversionException e) {
            diagnostics.error("", "", e.line(), e.getMessage());
        } catch (CapFormatException | IllegalArgumentException e) {
            diagnostics.error("the package does not fit the CAP format: " + e.getMessage());
        }
        return failed();
    }

    private ConverterResult failed() {
        return new ConverterResult(Optional.empty(), Optional.empty(), Optional.empty(), diagnostics.list());
    }

    private ConverterResult convertPackage() {
        if (input.packageName.isEmpty()) {
            throw new ConversionException(0, "the package has no name; a CAP file needs a named package");
        }
        List<LinkedClass> classes =
                new PackageReader(input.packageName, diagnostics).read(input.classFiles, input.ints);
        world = new World(input.packageName, classes, input.exports, input.levels);
        boolean structureKnown = classes.size() <= PackageReader.MAX_CLASSES && checkSupertypes();
        if (!structureKnown) {
            return failed();
        }
        boolean hasApplets = !input.applets.isEmpty();
        ordered = new TokenAssigner(world, hasApplets, input.earlierExport, diagnostics).assign();
        new VisibilityCheck(world, hasApplets, diagnostics).check(ordered);
        List<Member> installs = installMethods();
        StaticImageResult image = staticImage(!hasApplets);
        List<TranslatedMethod> methods = translate();
        if (diagnostics.hasErrors()) {
            return failed();
        }
        CapAssembler assembler =
                new CapAssembler(input, world, ordered, methods, image.image(), image.component(), installs);
        CapFile cap = assembler.assemble();
        Optional<ExportFile> exp = new ExportAssembler(input, world, ordered).assemble();
        Optional<String> listing =
                input.listing ? Optional.of(new Listing(assembler, ordered).text()) : Optional.empty();
        return new ConverterResult(Optional.of(cap), exp, listing, diagnostics.list());
    }

    private record StaticImageResult(StaticImage image, org.opentsm.cap.StaticFieldComponent component) {}

    private StaticImageResult staticImage(boolean isLibrary) {
        StaticImage image = new StaticImage(world, input.ints, diagnostics);
        return new StaticImageResult(image, image.build(ordered, isLibrary));
    }

    /** Resolves all supertypes first, so that everything behind may walk them. */
    private boolean checkSupertypes() {
        boolean complete = !diagnostics.errorsMatch("its own supertype");
        if (!complete) {
            return false;
        }
        for (LinkedClass c : world.own()) {
            complete &= checkSupertypes(c);
        }
        return complete;
    }

    private boolean checkSupertypes(LinkedClass c) {
        try {
            LinkedClass parent = world.superOf(c);
            if (parent != null && parent.isInterface()) {
                throw new ConversionException(0, "the class file is damaged: its superclass is an interface");
            }
            if (parent != null && parent.isFinal()) {
                throw new ConversionException(0, "the superclass " + parent + " is final");
            }
            for (String name : c.interfaces) {
                if (!world.require(name, 0).isInterface()) {
                    throw new ConversionException(
                            0, "the class file is damaged: " + name + " is implemented but is a class");
                }
            }
            for (LinkedClass step : world.chain(c)) {
                if (world.interfacesOf(step).stream().anyMatch(item -> item.name.equals(REMOTE))) {
                    throw new ConversionException(0, "remote (RMI) types are not supported; use a shareable interface");
                }
            }
            int direct = world.interfacesOf(c).size();
            int limit = c.isInterface() ? 14 : 15;
            if (direct > limit) {
                throw new ConversionException(
                        0,
                        (c.isInterface() ? "the interface extends " : "the class implements ") + direct
                                + " interfaces, more than " + limit);
            }
            return true;
        } catch (ConversionException e) {
            diagnostics.error(c.name, "", e.line(), e.getMessage());
            return false;
        }
    }

    private List<Member> installMethods() {
        List<Member> result = new ArrayList<>();
        for (ConverterInput.Applet applet : input.applets) {
            Member install = installMethod(applet);
            if (install != null) {
                result.add(install);
            }
        }
        long distinct = input.applets.stream()
                .map(ConverterInput.Applet::aid)
                .distinct()
                .count();
        if (distinct != input.applets.size()) {
            diagnostics.error("two applets have the same AID");
        }
        if (input.applets.size() > 255) {
            diagnostics.error("the package has " + input.applets.size() + " applets, more than 255");
        }
        return result;
    }

    private Member installMethod(ConverterInput.Applet applet) {
        checkAid(applet.aid());
        String name = applet.className().replace('.', '/');
        LinkedClass c = world.find(name.contains("/") ? name : input.packageName + "/" + name);
        if (c == null || c.isImported()) {
            diagnostics.error("the applet class " + applet.className() + " is not in package "
                    + input.packageName.replace('/', '.'));
            return null;
        }
        if (c.isAbstract() || !world.isSubclass(c, APPLET)) {
            diagnostics.error(
                    c.name,
                    "",
                    0,
                    "an applet must be a class that extends javacard.framework.Applet and is not" + " abstract");
            return null;
        }
        Member install = world.findMethod(c, INSTALL);
        boolean fits =
                install != null && !install.owner.isImported() && install.isStatic() && install.is(Opcodes.ACC_PUBLIC);
        if (!fits) {
            diagnostics.error(c.name, "", 0, "an applet needs public static void install(byte[], short, byte)");
            return null;
        }
        return install;
    }

    /** JCVM 3.1 section 4.2.2: an applet has its package's RID, and its AID is no package's. */
    private void checkAid(Aid aid) {
        if (!aid.sameRid(input.packageAid)) {
            String text = "the applet AID " + aid + " must begin with the package's RID, the first five bytes of "
                    + input.packageAid;
            if (aid.isPaymentDirectory()) {
                diagnostics.warning(
                        "", "", 0, text + "; it is a payment directory's name, so it stands, but some cards refuse it");
            } else {
                diagnostics.error(text);
            }
        }
        if (aid.equals(input.packageAid)
                || input.exports.stream().anyMatch(one -> one.aid().equals(aid))) {
            diagnostics.error("the applet AID " + aid + " is also the AID of "
                    + (aid.equals(input.packageAid)
                            ? "package " + input.packageName.replace('/', '.')
                            : "an imported package")
                    + "; a card refuses that: give the applet another");
        }
    }

    private List<TranslatedMethod> translate() {
        List<TranslatedMethod> result = new ArrayList<>();
        for (LinkedClass c : ordered) {
            if (c.isInterface()) {
                continue;
            }
            for (Member method : c.methods.values()) {
                boolean native0 = method.is(Opcodes.ACC_NATIVE);
                boolean empty = method.method != null && method.method.instructions.size() == 0 && !method.isAbstract();
                if (method.isClassInitializer() || native0 || empty) {
                    continue;
                }
                TranslatedMethod translated = new MethodTranslator(world, method, input.ints, diagnostics).translate();
                if (translated != null) {
                    result.add(translated);
                }
            }
        }
        return result;
    }
}

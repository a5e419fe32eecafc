// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.opentsm.verifier.TestPackage.ABSTRACT;
import static org.opentsm.verifier.TestPackage.APPLET;
import static org.opentsm.verifier.TestPackage.FINAL;
import static org.opentsm.verifier.TestPackage.OBJECT;
import static org.opentsm.verifier.TestPackage.PRIVATE;
import static org.opentsm.verifier.TestPackage.PUBLIC;

import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.opentsm.cap.Aid;
import org.opentsm.cap.ClassComponent;
import org.opentsm.cap.ClassRef;
import org.opentsm.cap.ConstantPoolComponent.Entry;
import org.opentsm.cap.HeaderComponent;
import org.opentsm.cap.PackageInfo;
import org.opentsm.cap.StaticFieldComponent;
import org.opentsm.cap.StaticFieldComponent.ArrayInit;
import org.opentsm.verifier.TestPackage.Method;
import org.opentsm.verifier.TestPackage.TypeSpec;

/** Structural rules, each by one change to the {@link SoundPackage}. */
class StructureTest {
    private TestPackage p;
    private TypeSpec i;
    private TypeSpec t;
    private TypeSpec u;
    private TypeSpec applet;
    private Method m;
    private Method closed;
    private Method override;
    private Method install;

    @BeforeEach
    void soundPackage() {
        SoundPackage sound = new SoundPackage();
        p = sound.p;
        i = sound.i;
        t = sound.t;
        u = sound.u;
        applet = sound.applet;
        m = sound.m;
        closed = sound.closed;
        override = sound.override;
        install = sound.install;
    }

    private List<Finding> findings() {
        return Verifier.verify(p.build(), Exports.ALL);
    }

    private void expect(String rule) {
        List<Finding> findings = findings();
        assertTrue(
                findings.stream().anyMatch(f -> f.rule().equals(rule) && f.severity() == Severity.ERROR),
                () -> rule + " not in " + findings);
    }

    private void patched(Consumer<Patch> change, String rule) {
        Patch patch = new Patch(p.build());
        change.accept(patch);
        List<Finding> findings = Verifier.verify(patch.cap(), Exports.ALL);
        assertTrue(findings.stream().anyMatch(f -> f.rule().equals(rule)), () -> rule + " not in " + findings);
    }

    @Test
    void theSoundPackageHasNoFindings() {
        assertEquals(List.of(), findings());
    }

    @Test
    void headerFlagsFitTheComponents() {
        p.headerFlags |= HeaderComponent.ACC_EXPORT;
        expect("header-flags");
    }

    @Test
    void undefinedHeaderFlagsAreRefused() {
        p.headerFlags |= 0x40;
        expect("header-flags");
    }

    @Test
    void directoryRepeatsTheSizes() {
        patched(patch -> patch.add("Directory", 3 + 2 * 4, 1), "directory-size");
        patched(patch -> patch.add("Directory", 3 + 1, 1), "directory-size");
    }

    @Test
    void directoryRepeatsTheCounts() {
        for (int offset : new int[] {23, 25, 27, 28, 29}) {
            patched(patch -> patch.add("Directory", 3 + offset, 1), "directory-count");
        }
    }

    @Test
    void appletsHaveThePackageRidAndADistinctAid() {
        patched(patch -> patch.add("Applet", 3 + 2, 1), "applet-rid");
        p.applet(install);
        expect("applet-aid");
    }

    @Test
    void anAppletHasNoPackagesAid() {
        p.appletAid = "A00000000101";
        expect("applet-aid");
        p.appletAid = "A0000000010102";
        p.imports.add(new PackageInfo(0, 1, Aid.ofHex(p.appletAid)));
        expect("applet-aid");
    }

    @Test
    void installIsAMethodOfItsSignature() {
        patched(patch -> patch.add("Applet", 3 + 2 + 7 + 1, 1), "install-offset");
        p.applet(m);
        expect("install-signature");
    }

    @Test
    void aPackageIsImportedOnce() {
        p.imports.add(p.imports.get(0));
        expect("import-twice");
    }

    @Test
    void aPackageDoesNotImportItself() {
        p.imports.add(new PackageInfo(0, 1, Aid.ofHex("A00000000101")));
        expect("import-self");
    }

    @Test
    void aNewerImportThanTheExportFileIsNotResolved() {
        p.imports.set(0, new PackageInfo(4, 1, Aid.ofHex("A0000000620101")));
        assertTrue(findings().stream().anyMatch(f -> f.rule().equals("import-unresolved")));
    }

    @Test
    void constantsLinkToSomethingThatExists() {
        record Case(Entry entry, String type, String rule) {}
        List<Case> cases = List.of(
                new Case(Entry.classref(2), null, "cp-class"),
                new Case(Entry.classref(ClassRef.external(2, 0)), null, "cp-package"),
                new Case(Entry.classref(ClassRef.external(0, 99)), null, "cp-class"),
                new Case(new Entry(1, 0x810001), null, "cp-padding"),
                new Case(Entry.classref(ClassRef.NONE), null, "cp-class"),
                new Case(Entry.internalStaticField(3), "S", "cp-static-field"),
                new Case(new Entry(5, 0x010004), "S", "cp-padding"),
                new Case(Entry.internalStaticMethod(2), "()V", "cp-static-method"),
                new Case(Entry.externalStaticMethod(0, 4, 9), "()V", "cp-static-method"),
                new Case(Entry.externalStaticMethod(0, 4, 0), "(SB)S", "cp-type"),
                new Case(Entry.externalStaticField(0, 4, 7), "S", "cp-field"),
                new Case(Entry.externalStaticField(0, 4, 0), "B", "cp-type"),
                new Case(Entry.virtualMethod(APPLET, 9), "()V", "cp-virtual-method"),
                new Case(Entry.virtualMethod(ClassRef.external(0, 6), 0), "(S)S", "cp-class"),
                new Case(Entry.superMethod(OBJECT, 0), "(L8100;)Z", "cp-super-external"),
                new Case(Entry.virtualMethod(APPLET, 1), "(S)V", "cp-type"));
        for (Case item : cases) {
            soundPackage();
            p.constant(item.entry, item.type);
            expect(item.rule);
        }
    }

    @Test
    void packageVisibleMethodsOfOthersAreOutOfReachEvenWithoutExportFiles() {
        p.constant(Entry.virtualMethod(APPLET, 0x80), "()V");
        List<Finding> findings = Verifier.verify(p.build(), Exports.NONE);
        assertTrue(findings.stream().anyMatch(f -> f.rule().equals("cp-virtual-method")), findings::toString);
    }

    @Test
    void constantsLinkToMembersOfOurClasses() {
        soundPackage();
        p.constant(() -> Entry.instanceField(t.offset, 1), "[B");
        p.constant(() -> Entry.virtualMethod(u.offset, 1), "(S)S");
        p.constant(() -> Entry.virtualMethod(t.offset, 0x80), "()V");
        p.constant(() -> Entry.superMethod(u.offset, 1), "(S)S");
        assertEquals(List.of(), findings());
        soundPackage();
        p.constant(() -> Entry.instanceField(t.offset, 3), "S");
        expect("cp-field");
        soundPackage();
        p.constant(() -> Entry.instanceField(t.offset, 1), "[S");
        expect("cp-type");
        soundPackage();
        p.constant(() -> Entry.virtualMethod(t.offset, 2), "()V");
        expect("cp-virtual-method");
        soundPackage();
        p.constant(() -> Entry.virtualMethod(t.offset, 0x81), "()V");
        expect("cp-virtual-method");
        soundPackage();
        p.constant(() -> Entry.internalStaticMethod(m.offset), "(S)S");
        expect("cp-static-method");
        soundPackage();
        p.constant(() -> Entry.virtualMethod(i.offset, 0), "(S)S");
        expect("cp-class");
    }

    @Test
    void aSupertypeStandsBeforeItsUsers() {
        t.superclass = () -> u.offset;
        expect("class-order");
    }

    @Test
    void interfacesStandBeforeClasses() {
        p.iface();
        expect("class-order");
    }

    @Test
    void aSupertypeIsOfTheRightKind() {
        u.superclass = () -> i.offset;
        expect("class-supertype");
        soundPackage();
        u.superclass = () -> ClassRef.external(0, 6);
        expect("class-supertype");
        soundPackage();
        u.superclass = () -> ClassRef.external(7, 0);
        expect("class-supertype");
        soundPackage();
        u.superclass = () -> ClassRef.NONE;
        expect("class-supertype");
        soundPackage();
        t.implement(() -> u.offset);
        expect("class-supertype");
    }

    @Test
    void finalClassesAndMethodsStayAsTheyAre() {
        u.superclass = () -> ClassRef.external(0, 5);
        expect("class-final");
        soundPackage();
        t.access |= FINAL;
        expect("class-final");
        soundPackage();
        m.flags |= FINAL;
        expect("final-override");
        soundPackage();
        applet.method(PUBLIC, 1, "()V", 0, 0, "return");
        expect("final-override");
    }

    @Test
    void anOverrideHasTheTypeOfWhatItOverrides() {
        override.type = TestPackage.type("(B)S");
        expect("override-type");
        soundPackage();
        applet.method(PUBLIC, 3, "()S", 1, 0, "sconst_0; sreturn");
        expect("override-type");
    }

    @Test
    void shareableFollowsFromTheSupertypes() {
        t.flags = ClassComponent.ACC_SHAREABLE;
        expect("class-shareable");
        soundPackage();
        t.implement(() -> ClassRef.external(0, 0));
        expect("class-shareable");
        soundPackage();
        t.implement(() -> ClassRef.external(0, 0));
        t.flags = ClassComponent.ACC_SHAREABLE;
        u.flags = ClassComponent.ACC_SHAREABLE;
        assertEquals(List.of(), findings());
        u.flags = 0;
        expect("class-shareable");
    }

    @Test
    void instanceFieldsFillTheirCells() {
        t.field(PUBLIC, 4, "S");
        expect("field-range");
        soundPackage();
        t.field(PUBLIC, 0, "S");
        expect("field-overlap");
        soundPackage();
        patched(patch -> patch.add("Class", 3 + 1 + 3, 1), "instance-size");
    }

    @Test
    void referencesFormOneRun() {
        t.field(PRIVATE, 3, "S").field(PRIVATE, 4, "[B");
        expect("field-references");
        soundPackage();
        patched(patch -> patch.add("Class", 3 + 1 + 5, 1), "field-references");
    }

    @Test
    void virtualTablesPointAtTheMethods() {
        patched(patch -> patch.add("Class", 3 + 1 + 11, 1), "virtual-table");
        patched(patch -> patch.add("Class", 3 + 1 + 6, 1), "virtual-table");
        u.table = List.of();
        expect("virtual-table");
    }

    @Test
    void anInheritedMethodOfThePackageStaysInTheTable() {
        m.token = 1;
        Method more = t.method(PUBLIC, 2, "()V", 0, 0, "return");
        u.method(PUBLIC, 3, "()V", 0, 0, "return");
        u.inherited = 2;
        // The kit fills the gap at token 2 with FFFF, right is the offset of the inherited method.
        expect("virtual-table");
        p.build();
        u.table = List.of(override.offset, more.offset, u.methods.get(2).offset);
        assertEquals(List.of(), findings());
    }

    @Test
    void newVirtualTokensContinue() {
        t.method(PUBLIC, 3, "()V", 0, 0, "return");
        expect("virtual-token");
        soundPackage();
        t.method(0, 0x82, "()V", 0, 0, "return");
        expect("virtual-token");
        soundPackage();
        t.method(PUBLIC, 1, "()V", 0, 0, "return");
        expect("virtual-token");
        soundPackage();
        closed.flags = PUBLIC;
        expect("virtual-token");
    }

    @Test
    void interfaceIndexesLeadToTheImplementation() {
        t.indexes.set(0, List.of());
        expect("interface-index");
        soundPackage();
        t.indexes.set(0, List.of(9));
        expect("interface-index");
        soundPackage();
        t.indexes.set(0, List.of(0));
        expect("interface-type");
        soundPackage();
        t.implement(() -> ClassRef.external(0, 6), 0);
        expect("interface-type");
        soundPackage();
        t.implement(() -> ClassRef.external(0, 6), 1);
        assertEquals(List.of(), findings());
        t.implement(() -> i.offset, 1);
        expect("interface-twice");
    }

    @Test
    void superinterfacesAreListedToo() {
        TypeSpec sub = new TypeSpec();
        sub.isInterface = true;
        sub.flags = ClassComponent.ACC_INTERFACE;
        sub.implement(() -> i.offset);
        sub.method(PUBLIC | ABSTRACT, 0, "(S)S", 0, 0, "");
        p.types.add(1, sub);
        t.interfaces.set(0, () -> sub.offset);
        expect("interface-flattened");
        t.interfaces.add(0, () -> i.offset);
        t.indexes.add(0, List.of(1));
        assertEquals(List.of(), findings());
    }

    @Test
    void theImageAddsUp() {
        p.image = new StaticFieldComponent(7, 2, List.of(), 0, new byte[] {0, 7});
        expect("image-size");
        p.image = new StaticFieldComponent(6, 2, List.of(new ArrayInit(6, new byte[0])), 0, new byte[] {0, 7});
        expect("array-type");
        p.image = new StaticFieldComponent(6, 2, List.of(new ArrayInit(4, new byte[2])), 0, new byte[] {0, 7});
        expect("array-type");
        p.image = new StaticFieldComponent(6, 2, List.of(new ArrayInit(4, new byte[3])), 0, new byte[] {0, 7});
        expect("array-length");
        p.image = new StaticFieldComponent(6, 2, List.of(new ArrayInit(3, new byte[32768])), 0, new byte[] {0, 7});
        expect("array-length");
        p.image = new StaticFieldComponent(6, 1, List.of(), 2, new byte[] {0, 7});
        expect("field-image");
        ArrayInit array = new ArrayInit(3, new byte[1]);
        p.image = new StaticFieldComponent(6, 2, List.of(array, array, array), 0, new byte[] {0, 7});
        expect("array-count");
    }

    @Test
    void anArrayIsForAFieldOfItsTypeOrOfObject() {
        ArrayInit array = new ArrayInit(3, new byte[1]);
        p.image = new StaticFieldComponent(6, 2, List.of(array, array), 0, new byte[] {0, 7});
        assertEquals(List.of(), findings());
        p.image = new StaticFieldComponent(8, 3, List.of(array, array, array), 0, new byte[] {0, 7});
        t.staticField(PRIVATE, 0xFF, "L800A;", 4).staticField(PRIVATE, 0xFF, "S", 6);
        expect("array-type");
    }

    @Test
    void staticFieldsDoNotOverlap() {
        t.staticField(PRIVATE, 0xFF, "B", 5);
        expect("field-overlap");
    }

    @Test
    void anUnusedImageByteIsUnusual() {
        p.image = new StaticFieldComponent(7, 2, List.of(), 0, new byte[] {0, 7, 0});
        assertEquals(
                List.of("image-gap"), findings().stream().map(Finding::rule).toList());
    }

    @Test
    void refLocationEqualsTheCode() {
        patched(patch -> patch.add("RefLocation", 3 + 4, 1), "ref-location");
        patched(patch -> patch.add("RefLocation", patch.size("RefLocation") - 1, 1), "ref-location");
    }

    @Test
    void methodsFollowEachOther() {
        patched(patch -> patch.insert("Method", patch.size("Method"), 0), "method-layout");
        patched(patch -> patch.insert("Method", 4, 0), "method-layout");
    }

    @Test
    void headersFitTheMethod() {
        override.nargs = 3;
        expect("method-nargs");
        soundPackage();
        patched(patch -> patch.or("Method", 4, 0x10), "method-flags");
        patched(patch -> patch.or("Method", 4, 0x40), "method-abstract");
        soundPackage();
        override.maxLocals = 254;
        expect("method-locals");
        soundPackage();
        override.code = "";
        expect("method-size");
        soundPackage();
        patched(patch -> patch.set("Method", 6, 0xFE), "code");
    }

    @Test
    void abstractMethodsAreHeadersOnly() {
        t.access |= 0x80;
        t.method(PUBLIC | ABSTRACT, 2, "()V", 0, 0, "");
        u.inherited = 2;
        expect("class-concrete");
        u.access |= 0x80;
        assertEquals(List.of(), findings());
        soundPackage();
        t.method(PUBLIC | ABSTRACT, 2, "()V", 0, 0, "return");
        expect("method-abstract");
    }

    @Test
    void aClassThatCanBeCreatedHasAllBodies() {
        applet.methods.remove(2);
        applet.inherited = 7;
        expect("class-concrete");
        applet.access |= 0x80;
        assertEquals(List.of(), findings());
    }

    @Test
    void handlersCoverInstructionsAndStopAtTheLast() {
        override.code = "a: sconst_1; b: sreturn; h: pop; sconst_0; sreturn";
        override.handler("a", "b", "h", 0).handler("a", "h", "h", 0);
        assertEquals(List.of(), findings());
        patched(patch -> patch.or("Method", 3 + 1 + 2, 0x80), "handler-stop");
        patched(patch -> patch.set("Method", 3 + 1 + 8 + 2, 0), "handler-stop");
    }

    @Test
    void exportsFollowTheClassTokens() {
        i.flags |= ClassComponent.ACC_SHAREABLE;
        i.implement(() -> ClassRef.external(0, 0));
        t.flags = ClassComponent.ACC_SHAREABLE;
        u.flags = ClassComponent.ACC_SHAREABLE;
        t.implement(() -> ClassRef.external(0, 0));
        p.export(i);
        assertEquals(List.of(), findings());
        patched(patch -> patch.add("Export", 3 + 2, 1), "export-class");
        p.export(t);
        expect("export-applet");
    }

    @Test
    void aLibraryExportsItsStaticsByToken() {
        library();
        assertEquals(List.of(), findings());
        patched(patch -> patch.add("Export", patch.size("Export") - 1, 1), "export-method");
        patched(patch -> patch.add("Export", 3 + 1 + 4 + 4 + 1, 1), "export-field");
        library();
        p.export(u);
        p.export(u);
        expect("export-token");
    }

    private void library() {
        soundPackage();
        p.types.remove(applet);
        TestPackage library = new TestPackage();
        library.types.addAll(p.types);
        library.image = p.image;
        library.objectInit();
        library.callStatic(t.methods.get(0));
        library.export(i, t);
        p = library;
    }

    @Test
    void tokensAreUniqueAndConsecutive() {
        u.token = t.token;
        expect("class-token");
        soundPackage();
        u.token = 9;
        expect("class-token");
        soundPackage();
        install.token = 0;
        expect("static-token");
        soundPackage();
        t.staticField(PRIVATE, 0, "B", 6);
        expect("static-token");
        soundPackage();
        i.methods.get(0).token = 1;
        expect("interface-token");
    }

    @Test
    void memberFlagsGoTogether() {
        override.flags |= PRIVATE;
        expect("descriptor-flags");
        soundPackage();
        i.methods.get(0).flags = PUBLIC;
        expect("descriptor-flags");
    }

    @Test
    void aConstructorReturnsNothing() {
        Method init = u.methods.get(0);
        init.type = TestPackage.type("()S");
        init.code = "aload_0; invokespecial 1; sconst_0; sreturn";
        expect("method-type");
    }

    @Test
    void everyConstantHasItsType() {
        patched(patch -> patch.set("Descriptor", patch.typesAt() + 2, 0xFF, 0xFF), "type-constant");
        patched(patch -> patch.set("Descriptor", patch.typesAt() + 2, 0x00, 0x01), "type-offset");
        patched(patch -> patch.set("ConstantPool", 3 + 2, 1), "type-constant");
        patched(patch -> patch.set("Descriptor", patch.size("Descriptor") - 4, 0x09), "type-format");
        p.constant(Entry.classref(OBJECT), "()V");
        expect("type-constant");
    }

    @Test
    void typesNameExistingClasses() {
        override.type = TestPackage.type("(L0002;)S");
        expect("type-class");
        soundPackage();
        override.type = TestPackage.type("(L8800;)S");
        expect("type-class");
    }

    @Test
    void descriptorListsEveryClass() {
        patched(patch -> patch.set("Descriptor", 3 + 1 + 3, 1), "descriptor-class");
    }

    @Test
    void aCapWithoutDescriptorIsCheckedByWhatTheOthersTell() {
        List<Finding> findings =
                Verifier.verify(org.opentsm.cap.CapFile.read(p.build().loadFileDataBlock(false)), Exports.ALL);
        assertEquals(
                List.of("component-missing"),
                findings.stream().map(Finding::rule).toList());
    }

    @Test
    void intInSignaturesOfClassesNeedsTheFlagButNotInInterfaces() {
        i.methods.get(0).type = TestPackage.type("(I)S");
        t.interfaces.clear();
        t.indexes.clear();
        assertEquals(List.of(), findings());
        override.type = TestPackage.type("(I)S");
        expect("acc-int");
        soundPackage();
        t.field(PRIVATE, 3, "I");
        expect("acc-int");
    }

    @Test
    void exportFilesMayBeAbsent() {
        List<Finding> findings = Verifier.verify(p.build(), (aid, major, minor) -> Optional.empty());
        assertEquals(
                List.of("import-unresolved", "import-unresolved"),
                findings.stream().map(Finding::rule).toList());
    }
}

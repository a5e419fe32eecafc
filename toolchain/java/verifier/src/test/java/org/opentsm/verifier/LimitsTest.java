// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.opentsm.verifier.TestPackage.PRIVATE;
import static org.opentsm.verifier.TestPackage.PUBLIC;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.opentsm.cap.Aid;
import org.opentsm.cap.AppletComponent;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapVersion;
import org.opentsm.cap.ClassComponent;
import org.opentsm.cap.ClassComponent.ClassInfo;
import org.opentsm.cap.ClassComponent.TokenMapping;
import org.opentsm.cap.ClassRef;
import org.opentsm.cap.Component;
import org.opentsm.cap.ComponentTag;
import org.opentsm.cap.ConstantPoolComponent.Entry;
import org.opentsm.cap.DescriptorComponent;
import org.opentsm.cap.DescriptorComponent.ClassDescriptor;
import org.opentsm.cap.DescriptorComponent.MethodDescriptor;
import org.opentsm.cap.HeaderComponent;
import org.opentsm.cap.MethodComponent;
import org.opentsm.cap.MethodComponent.Handler;
import org.opentsm.cap.RawComponent;

/** Counts, limits and references between components: one change to a component of the {@link SoundPackage} each. */
class LimitsTest {
    private final SoundPackage sound = new SoundPackage();

    private static void expect(CapFile cap, String rule) {
        List<Finding> findings = Verifier.verify(cap, Exports.ALL);
        assertTrue(
                findings.stream().anyMatch(f -> f.rule().equals(rule) && f.severity() == Severity.ERROR),
                () -> rule + " not in " + findings);
    }

    private void expect(String rule) {
        expect(sound.p.build(), rule);
    }

    /** The package with some components replaced, sizes corrected. */
    private static CapFile.Builder copy(CapFile cap, Component... replaced) {
        CapFile.Builder builder = CapFile.builder();
        for (ComponentTag tag : ComponentTag.values()) {
            cap.component(tag).ifPresent(builder::put);
        }
        for (Component component : replaced) {
            builder.put(component);
        }
        return builder;
    }

    /** The package with the first method of U, or of the interface, described in another way. */
    private CapFile described(int classIndex, UnaryOperator<MethodDescriptor> change) {
        CapFile cap = sound.p.build();
        DescriptorComponent old = cap.descriptor().orElseThrow();
        List<ClassDescriptor> classes = new ArrayList<>(old.classes());
        ClassDescriptor item = classes.get(classIndex);
        List<MethodDescriptor> methods = new ArrayList<>(item.methods());
        methods.set(0, change.apply(methods.get(0)));
        classes.set(
                classIndex,
                new ClassDescriptor(
                        item.token(), item.flags(), item.classRef(), item.interfaces(), item.fields(), methods));
        return copy(cap, new DescriptorComponent(classes, old.cpTypes(), old.typeData()))
                .build();
    }

    @Test
    void customComponentsHaveTagsFrom128() {
        CapFile.Builder builder = copy(sound.p.build());
        expect(
                builder.putCustom(new RawComponent(0x7F, new byte[] {0x7F, 0, 0}), Aid.ofHex("A000000001"))
                        .build(),
                "custom-tag");
    }

    @Test
    void anAppletComponentListsAnApplet() {
        expect(copy(sound.p.build(), new AppletComponent(List.of())).build(), "applet-count");
    }

    @Test
    void aPackageHasAtMost255Classes() {
        CapFile cap = sound.p.build();
        List<ClassComponent.Entry> entries =
                new ArrayList<>(Collections.nCopies(252, cap.classes().entries().get(0)));
        entries.addAll(cap.classes().entries());
        expect(copy(cap, new ClassComponent(Optional.empty(), entries)).build(), "class-count");
    }

    @Test
    void undefinedClassFlagsAreRefused() {
        sound.t.flags |= 1;
        expect("class-flags");
    }

    @Test
    void aTokenMappingHasTheLengthItsCountSays() {
        TestPackage single = new TestPackage();
        single.clazz();
        CapFile cap = single.build();
        HeaderComponent header =
                new HeaderComponent(CapVersion.V2_3, 0, cap.header().packageInfo(), Optional.of("p"));
        ClassDescriptor item = cap.descriptor().orElseThrow().classes().get(0);
        DescriptorComponent descriptor = new DescriptorComponent(
                List.of(new ClassDescriptor(item.token(), item.flags(), 2, List.of(), List.of(), List.of())),
                List.of(),
                new byte[0]);
        ClassInfo info = (ClassInfo) cap.classes().entries().get(0);
        for (int count : new int[] {2, 3}) {
            ClassInfo mapped = new ClassInfo(
                    info.flags(),
                    info.superclass(),
                    0,
                    0xFF,
                    0,
                    1,
                    List.of(),
                    0,
                    List.of(),
                    List.of(),
                    Optional.empty(),
                    Optional.of(new TokenMapping(List.of(0, 1), count)));
            CapFile.Builder builder =
                    copy(cap, header, descriptor, new ClassComponent(Optional.of(new byte[0]), List.of(mapped)));
            if (count == 2) {
                assertTrue(Verifier.verify(builder.build(), Exports.ALL).isEmpty());
            } else {
                expect(builder.build(), "class-mapping");
            }
        }
    }

    @Test
    void virtualTokensEndAt127() {
        sound.t.table = Collections.nCopies(128, 0xFFFF);
        expect("virtual-limit");
    }

    @Test
    void anInterfaceHasAtMost14Superinterfaces() {
        for (int k = 0; k < 15; k++) {
            sound.i.implement(() -> ClassRef.external(0, 0));
        }
        expect("interface-count");
    }

    @Test
    void anObjectHasAtMost255CellsWithItsSuperclasses() {
        for (int k = 3; k < 200; k++) {
            sound.t.field(PRIVATE, k, "S");
        }
        for (int k = 0; k < 55; k++) {
            sound.u.field(PRIVATE, k, "S");
        }
        assertTrue(Verifier.verify(sound.p.build(), Exports.ALL).isEmpty());
        sound.u.field(PRIVATE, 55, "S");
        expect("instance-limit");
    }

    @Test
    void interfacesHaveNeitherInstanceFieldsNorCode() {
        sound.i.field(PUBLIC, 0, "S");
        expect("descriptor-interface");
        sound.i.fields.clear();
        expect(
                described(0, m -> new MethodDescriptor(m.token(), m.flags(), sound.m.offset, m.typeOffset(), 2, 0, 0)),
                "descriptor-interface");
    }

    @Test
    void aMethodsHandlersExist() {
        expect(
                described(
                        2,
                        m -> new MethodDescriptor(
                                m.token(), m.flags(), m.methodOffset(), m.typeOffset(), m.bytecodeCount(), 1, 0)),
                "handler-index");
    }

    @Test
    void aHandlerBelongsToOneMethod() {
        guarded();
        expect(
                described(
                        2,
                        m -> new MethodDescriptor(
                                m.token(), m.flags(), m.methodOffset(), m.typeOffset(), m.bytecodeCount(), 1, 0)),
                "handler-owner");
        CapFile cap = sound.p.build();
        List<Handler> handlers = new ArrayList<>(cap.methods().handlers());
        handlers.add(handlers.get(0));
        expect(copy(cap, MethodComponent.of(handlers, List.of())).build(), "handler-owner");
    }

    @Test
    void aHandlerCoversInstructionsOfItsMethod() {
        guarded();
        CapFile cap = sound.p.build();
        Handler good = cap.methods().handlers().get(0);
        for (Handler bad : List.of(
                new Handler(good.start(), 0, true, good.handlerOffset(), 0),
                new Handler(good.start(), good.activeLength() + 100, true, good.handlerOffset(), 0),
                new Handler(good.start() - 1, good.activeLength(), true, good.handlerOffset(), 0),
                new Handler(good.start() + 1, good.activeLength(), true, good.handlerOffset(), 0),
                new Handler(good.start(), good.activeLength(), true, good.handlerOffset() + 2, 0),
                new Handler(good.start(), good.activeLength(), true, 0xFFFF, 0))) {
            byte[] info = cap.methods().info();
            byte[] table = MethodComponent.of(List.of(bad), List.of()).info();
            System.arraycopy(table, 0, info, 0, table.length);
            expect(copy(cap, MethodComponent.read(info)).build(), "handler-range");
        }
    }

    private void guarded() {
        sound.override.code = "a: sspush 5; b: sreturn; h: pop; sspush 6; sreturn";
        sound.override.handler("a", "b", "h", 0);
        assertTrue(Verifier.verify(sound.p.build(), Exports.ALL).isEmpty());
    }

    @Test
    void aFieldIsReferredToByItsOwnPlace() {
        sound.t.staticField(PRIVATE, 0xFF, "S", 0x10004);
        expect("field-ref");
        CapFile cap = new SoundPackage().p.build();
        byte[] info = cap.descriptor().orElseThrow().info();
        // The first class is an interface with one method; the second one's first field: its token behind the class.
        info[1 + 9 + 12 + 9 + 2 + 4]++;
        expect(copy(cap, DescriptorComponent.read(info)).build(), "field-ref");
    }

    @Test
    void everyConstantIsListedInDescriptor() {
        CapFile cap = sound.p.build();
        DescriptorComponent old = cap.descriptor().orElseThrow();
        expect(
                copy(cap, new DescriptorComponent(old.classes(), old.cpTypes().subList(1, 3), old.typeData()))
                        .build(),
                "type-count");
    }

    @Test
    void aParameterIsNotVoid() {
        sound.override.type = TestPackage.type("(V)S");
        expect("method-type");
    }

    @Test
    void aMethodLiesInsideItsComponent() {
        expect(
                described(
                        2,
                        m -> new MethodDescriptor(
                                m.token(), m.flags(), 0xFFF0, m.typeOffset(), m.bytecodeCount(), 0, 0)),
                "method-range");
        expect(
                described(
                        2,
                        m -> new MethodDescriptor(
                                m.token(), m.flags(), m.methodOffset(), m.typeOffset(), 0x7000, 0, 0)),
                "method-range");
    }

    @Test
    void aSuperCallReachesABody() {
        sound.t.access |= DescriptorComponent.ACC_CLASS_ABSTRACT;
        sound.t.method(PUBLIC | TestPackage.ABSTRACT, 2, "()V", 0, 0, "");
        sound.u.method(PUBLIC, 2, "()V", 0, 0, "return");
        sound.u.inherited = 2;
        assertTrue(Verifier.verify(sound.p.build(), Exports.ALL).isEmpty());
        sound.p.constant(() -> Entry.superMethod(sound.u.offset, 2), "()V");
        expect("cp-super-abstract");
    }

    @Test
    void anEmptyTableStartsBehindTheSuperclass() {
        sound.u.methods.remove(sound.override);
        assertTrue(Verifier.verify(sound.p.build(), Exports.ALL).isEmpty());
        sound.u.inherited = 5;
        List<Finding> findings = Verifier.verify(sound.p.build(), Exports.ALL);
        assertEquals(
                List.of("virtual-base"), findings.stream().map(Finding::rule).toList());
        assertEquals(Severity.WARNING, findings.get(0).severity());
    }
}

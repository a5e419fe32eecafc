// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.opentsm.verifier.TestPackage.INIT;
import static org.opentsm.verifier.TestPackage.OBJECT;
import static org.opentsm.verifier.TestPackage.PRIVATE;
import static org.opentsm.verifier.TestPackage.PUBLIC;
import static org.opentsm.verifier.TestPackage.STATIC;
import static org.opentsm.verifier.TestPackage.THROWABLE;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.opentsm.cap.ConstantPoolComponent.Entry;
import org.opentsm.cap.HeaderComponent;
import org.opentsm.cap.Opcode;
import org.opentsm.cap.Opcodes;
import org.opentsm.verifier.TestPackage.Method;
import org.opentsm.verifier.TestPackage.TypeSpec;

/** Bytecode rules: each broken method beside a sound one that differs in little. */
class DataFlowTest {
    /**
     * Constants every method may use: 0 Object.&lt;init&gt;, 1 class T, 2 T.&lt;init&gt;, 3 T.s (short), 4 T.r
     * (byte[]), 5 static short, 6 static byte[], 7 Object.equals, 8 T.v(S)S, 9 T.twice(S)S static, 10 class Exception,
     * 11 Callback, 12 Util.makeShort, 13 private T.p()V, 14 U.hidden, 15 Applet.register, 16 Util.hidden, 17 Throwable,
     * 18 super equals, 19 class Applet, 20 own abstract class A, 21 T.o (Object), 22 class Object, 23 U.secret, 24
     * Applet.&lt;init&gt;.
     */
    private static TestPackage pack(int flags, String type, int maxStack, int maxLocals, String code) {
        TestPackage p = new TestPackage();
        p.headerFlags = HeaderComponent.ACC_INT;
        p.image = new org.opentsm.cap.StaticFieldComponent(4, 1, List.of(), 2, new byte[0]);
        TypeSpec t = p.clazz()
                .field(PUBLIC, 0, "S")
                .field(PUBLIC, 1, "[B")
                .field(PUBLIC, 2, "L8100;")
                .staticField(PUBLIC, 0, "S", 2)
                .staticField(PUBLIC, 1, "[B", 0);
        TypeSpec u = p.clazz().field(PRIVATE, 0, "S");
        TypeSpec a = p.clazz();
        a.access = PUBLIC | 0x80;
        int objectInit = p.objectInit();
        Method init = t.method(PUBLIC | INIT, 0, "()V", 1, 0, "aload_0; invokespecial 0; return");
        p.constant(() -> Entry.classref(t.offset), null);
        p.callStatic(init);
        p.constant(() -> Entry.instanceField(t.offset, 0), "S");
        p.constant(() -> Entry.instanceField(t.offset, 1), "[B");
        p.constant(Entry.internalStaticField(2), "S");
        p.constant(Entry.internalStaticField(0), "[B");
        p.constant(Entry.virtualMethod(OBJECT, 0), "(L8100;)Z");
        Method v = t.method(PUBLIC, 1, "(S)S", 1, 0, "sload_1; sreturn");
        p.constant(() -> Entry.virtualMethod(t.offset, 1), "(S)S");
        Method twice = t.method(PUBLIC | STATIC, 1, "(S)S", 2, 0, "sload_0; sload_0; sadd; sreturn");
        p.callStatic(twice);
        p.classConstant(org.opentsm.cap.ClassRef.external(1, 2));
        p.classConstant(org.opentsm.cap.ClassRef.external(0, 6));
        p.constant(Entry.externalStaticMethod(0, 4, 0), "(BB)S");
        p.callStatic(t.method(PRIVATE, 0xFF, "()V", 0, 0, "return"));
        p.constant(() -> Entry.instanceField(u.offset, 0), "S");
        p.constant(Entry.virtualMethod(TestPackage.APPLET, 1), "()V");
        p.constant(Entry.externalStaticField(0, 4, 1), "S");
        p.classConstant(THROWABLE);
        p.constant(() -> Entry.superMethod(t.offset, 0), "(L8100;)Z");
        p.classConstant(TestPackage.APPLET);
        p.constant(() -> Entry.classref(a.offset), null);
        p.constant(() -> Entry.instanceField(t.offset, 2), "L8100;");
        p.classConstant(OBJECT);
        p.callStatic(u.method(PRIVATE | STATIC, 0xFF, "()V", 0, 0, "return"));
        p.constant(Entry.externalStaticMethod(0, 3, 0), "()V");
        assertEquals(0, objectInit);
        assertEquals(1, v.token);
        int token = 2;
        t.method(flags, (flags & PRIVATE) != 0 ? 0xFF : token, type, maxStack, maxLocals, code);
        return p;
    }

    private static List<String> rules(TestPackage p) {
        return Verifier.verify(p.build(), Exports.ALL).stream()
                .map(finding -> finding.rule() + ": " + finding)
                .toList();
    }

    private static void check(TestPackage p, String rule) {
        List<String> rules = rules(p);
        if (rule.equals("ok")) {
            assertEquals(List.of(), rules);
        } else {
            assertEquals(1, rules.size(), rules::toString);
            assertTrue(rules.get(0).startsWith(rule + ":"), rules::toString);
        }
    }

    @ParameterizedTest(name = "{3}: {2}")
    @CsvSource(
            delimiter = '|',
            value = {
                "()V      | 0 0 | return                                              | ok",
                "()S      | 1 0 | sconst_1; sreturn                                   | ok",
                "()S      | 1 0 | sconst_1; return                                    | return-type",
                "()V      | 1 0 | sconst_1; sreturn                                   | return-type",
                "()I      | 2 0 | iconst_1; ireturn                                   | ok",
                "()I      | 2 0 | sconst_1; sconst_1; ireturn                         | stack-type",
                "()V      | 0 0 | nop                                                 | falls-off",
                "()V      | 1 0 | sconst_1; pop; return                               | ok",
                "()V      | 0 0 | pop; return                                         | stack-underflow",
                "()V      | 1 0 | sconst_1; sconst_1; return                          | stack-overflow",
                "()V      | 1 0 | iconst_1; pop2; return                              | stack-overflow",
                "()V      | 2 0 | iconst_1; pop; return                               | stack-split",
                "()V      | 2 0 | iconst_1; pop2; return                              | ok",
                "()V      | 3 0 | sconst_1; iconst_1; pop; pop2; return               | stack-split",
                "()V      | 3 0 | sconst_1; iconst_1; pop2; pop; return               | ok",
                "()V      | 2 0 | sconst_1; aconst_null; sadd; return                 | stack-type",
                "()S      | 2 0 | iconst_1; i2s; sreturn                              | ok",
                "()S      | 3 0 | iconst_1; sconst_1; sadd; sreturn                   | stack-type",
                "(S)S     | 1 0 | sload_0; sreturn                                    | ok",
                "(S)V     | 1 0 | aload_0; pop; return                                | local-type",
                "([B)V    | 1 0 | sload_0; pop; return                                | local-type",
                "()V      | 1 0 | sload_0; pop; return                                | local-range",
                "()V      | 1 1 | sload_0; pop; return                                | local-type",
                "()V      | 1 1 | sconst_0; sstore_0; sload_0; pop; return            | ok",
                "()V      | 2 1 | iconst_0; istore_0; return                          | local-range",
                "()V      | 2 2 | iconst_0; istore_0; iload_0; pop2; return           | ok",
                "()V      | 2 2 | iconst_0; istore_0; sconst_0; sstore_1; iload_0; pop2; return | local-type",
                "()V      | 2 2 | iconst_0; istore_0; sconst_0; sstore_0; sload_1; pop; return  | local-type",
                "(S)V     | 0 0 | sinc 0 1; return                                    | ok",
                "([B)V    | 0 0 | sinc 0 1; return                                    | local-type",
                "(I)V     | 0 0 | iinc 0 1; return                                    | ok",
                "(SS)V    | 0 0 | iinc 0 1; return                                    | local-type",
                "(S)S     | 1 0 | a: sinc 0 1; sload_0; ifne a; sload_0; sreturn      | ok",
                "(S)V     | 2 0 | sload_0; ifeq a; sconst_0; a: return                | stack-merge",
                "(S)V     | 1 1 | sload_0; ifeq a; sconst_0; sstore_1; goto b; a: aconst_null; astore_1; b: return | ok",
                "(S)V     | 1 1 | sload_0; ifeq a; sconst_0; sstore_1; goto b; a: aconst_null; astore_1; b: aload_1; pop; return | local-type",
                "([BS)S   | 2 0 | aload_0; sload_1; baload; sreturn                   | ok",
                "([ZS)S   | 2 0 | aload_0; sload_1; baload; sreturn                   | ok",
                "([SS)S   | 2 0 | aload_0; sload_1; baload; sreturn                   | array-type",
                "([SS)S   | 2 0 | aload_0; sload_1; saload; sreturn                   | ok",
                "([BS)V   | 3 0 | aload_0; sload_1; sconst_1; bastore; return         | ok",
                "([BS)V   | 3 0 | aload_0; sload_1; aconst_null; bastore; return      | stack-type",
                "([IS)I   | 2 0 | aload_0; sload_1; iaload; ireturn                   | ok",
                "([BS)I   | 2 0 | aload_0; sload_1; iaload; ireturn                   | array-type",
                "([L8100;)L8100; | 2 0 | aload_0; sconst_0; aaload; areturn           | ok",
                "(L8100;)L8100;  | 2 0 | aload_0; sconst_0; aaload; areturn           | array-type",
                "([B)S    | 1 0 | aload_0; arraylength; sreturn                       | ok",
                "(L8100;)S | 1 0 | aload_0; arraylength; sreturn                      | array-type",
                "(S)[B    | 1 0 | sload_0; newarray 11; areturn                       | ok",
                "(S)[B    | 1 0 | sload_0; newarray 12; areturn                       | stack-type",
                "(S)[B    | 1 0 | sload_0; newarray 9; areturn                        | atype",
                "(S)[L8100; | 1 0 | sload_0; anewarray 1; areturn                     | ok",
                "(S)[L8101; | 1 0 | sload_0; anewarray 1; areturn                     | stack-type",
                "(L8100;)[B | 1 0 | aload_0; checkcast 11 0; areturn                  | ok",
                "(L8100;)[B | 1 0 | aload_0; checkcast 12 0; areturn                  | stack-type",
                "(L8100;)[B | 1 0 | aload_0; checkcast 9 0; areturn                   | atype",
                "(L8100;)L8102; | 1 0 | aload_0; checkcast 0 10; areturn              | ok",
                "(L8100;)L8102; | 1 0 | aload_0; areturn                              | stack-type",
                "(L8102;)L8101; | 1 0 | aload_0; areturn                              | ok",
                "(L8100;)[L8102; | 1 0 | aload_0; checkcast 14 10; areturn            | ok",
                "(L8100;)S | 1 0 | aload_0; instanceof 0 10; sreturn                  | ok",
                "(L8100;)S | 1 0 | aload_0; instanceof 0 3; sreturn                   | cp-kind",
                "()S      | 1 0 | getstatic_s 5; sreturn                              | ok",
                "()S      | 1 0 | getstatic_b 5; sreturn                              | field-type",
                "()S      | 1 0 | getstatic_s 3; sreturn                              | cp-kind",
                "()S      | 1 0 | getstatic_s 99; sreturn                             | cp-index",
                "()V      | 0 0 | return; getstatic_s 99                              | cp-index",
                "()V      | 0 0 | return; putstatic_s 3; return                       | cp-kind",
                "()V      | 0 0 | return; getfield_a 9; return                        | cp-kind",
                "()V      | 0 0 | return; invokevirtual 9; return                     | cp-kind",
                "()V      | 0 0 | return; invokespecial 7; return                     | cp-kind",
                "()V      | 0 0 | return; invokestatic 8; return                      | cp-kind",
                "()V      | 0 0 | return; invokeinterface 1 9 0; return               | cp-kind",
                "()V      | 0 0 | return; new 3; return                               | cp-kind",
                "()V      | 0 0 | return; anewarray 3; return                         | cp-kind",
                "()V      | 0 0 | return; checkcast 14 3; return                      | cp-kind",
                "()V      | 0 0 | return; instanceof 11 0; return                     | ok",
                "()S      | 1 0 | getstatic_s 16; sreturn                             | access-protected",
                "([B)V    | 1 0 | aload_0; putstatic_a 6; return                      | ok",
                "([S)V    | 1 0 | aload_0; putstatic_a 6; return                      | stack-type",
                "(L0000;)S | 1 0 | aload_0; getfield_s 3; sreturn                     | ok",
                "(L8100;)S | 1 0 | aload_0; getfield_s 3; sreturn                     | stack-type",
                "(L0000;)S | 1 0 | aload_0; getfield_s_w 3; sreturn                   | ok",
                "(L0000;[B)V | 2 0 | aload_0; aload_1; putfield_a 4; return           | ok",
                "(L0000;[S)V | 2 0 | aload_0; aload_1; putfield_a 4; return           | stack-type",
                "(L0000;)S | 1 0 | getfield_s_this 3; sreturn                         | this-form",
                "(L8100;L8100;)S | 2 0 | aload_0; aload_1; invokevirtual 7; sreturn   | ok",
                "([BL8100;)S | 2 0 | aload_0; aload_1; invokevirtual 7; sreturn       | ok",
                "(SL8100;)S | 2 0 | sload_0; aload_1; invokevirtual 7; sreturn        | stack-type",
                "(L8100;S)S | 2 0 | aload_0; sload_1; invokevirtual 7; sreturn        | stack-type",
                "(L0000;)S | 2 0 | aload_0; sconst_1; invokevirtual 8; sreturn        | ok",
                "(L8100;)S | 2 0 | aload_0; sconst_1; invokevirtual 8; sreturn        | stack-type",
                "(S)S     | 1 0 | sload_0; invokestatic 9; sreturn                    | ok",
                "(S)S     | 1 0 | sload_0; invokestatic 8; sreturn                    | cp-kind",
                "(L0000;)V | 1 0 | aload_0; invokestatic 13; return                   | invoke-kind",
                "(S)S     | 2 0 | sload_0; sload_0; invokestatic 12; sreturn          | ok",
                "()V      | 0 0 | invokestatic 23; return                             | access-private",
                "(L8006;S)S | 2 0 | aload_0; sload_1; invokeinterface 2 11 0; sreturn | ok",
                "(L8100;S)S | 2 0 | aload_0; sload_1; invokeinterface 2 11 0; sreturn | ok",
                "(L8006;S)S | 2 0 | aload_0; sload_1; invokeinterface 3 11 0; sreturn | invoke-nargs",
                "(L8006;S)S | 2 0 | aload_0; sload_1; invokeinterface 2 11 1; sreturn | interface-token",
                "(L8006;S)S | 2 0 | aload_0; sload_1; invokeinterface 2 10 0; sreturn | interface-token",
                "()L0000; | 2 0 | new 1; dup; invokespecial 2; areturn                | ok",
                "()L0000; | 1 0 | new 1; areturn                                      | stack-type",
                "()V      | 2 0 | new 1; invokespecial 0; return                      | uninitialised",
                "()V      | 2 0 | aconst_null; invokespecial 2; return                | uninitialised",
                "()V      | 1 0 | new 20; return                                      | new-abstract",
                "()V      | 1 0 | new 19; return                                      | new-abstract",
                "()V      | 1 1 | new 1; astore_0; aload_0; invokespecial 2; aload_0; getfield_s 3; pop; return | ok",
                "(L8101;)V | 1 0 | aload_0; athrow                                    | ok",
                "(L8102;)V | 1 0 | aload_0; athrow                                    | ok",
                "(L8100;)V | 1 0 | aload_0; athrow                                    | stack-type",
                "(SS)V    | 4 0 | sload_0; sload_1; dup_x 0x12; pop2; pop; return     | ok",
                "(SS)V    | 4 0 | sload_0; sload_1; dup_x 0x10; pop2; pop; return     | ok",
                "(SS)V    | 4 0 | sload_0; sload_1; dup_x 0x02; pop2; pop; return     | dup-x",
                "(IS)V    | 5 0 | iload_0; sload_2; dup_x 0x12; return                | stack-split",
                "(IS)V    | 5 0 | iload_0; sload_2; dup_x 0x13; return                | ok",
                "(S[B)[B  | 2 0 | aload_1; sload_0; swap_x 0x11; areturn              | ok",
                "(S[B)[B  | 2 0 | aload_1; sload_0; swap_x 0x13; areturn              | swap-x",
                "(IS)I    | 3 0 | sload_2; iload_0; swap_x 0x21; pop; ireturn         | ok",
                "(SS)S    | 2 0 | sload_0; sload_1; if_scmplt a; sconst_0; sreturn; a: sconst_1; sreturn | ok",
                "(II)S    | 4 0 | iload_0; iload_2; icmp; ifeq a; sconst_0; sreturn; a: sconst_1; sreturn | ok",
                "(S)V     | 1 0 | sload_0; stableswitch a 0 1 a b; a: return; b: return | ok",
                "(S)V     | 1 0 | sload_0; itableswitch a 0 1 a b; a: return; b: return | stack-type",
                "(I)V     | 2 0 | iload_0; ilookupswitch a 2 1 a 5 b; a: return; b: return | ok",
                "(S)V     | 1 0 | sload_0; slookupswitch a 2 5 a 1 b; a: return; b: return | switch-order",
                "(S)V     | 1 0 | goto 1; return                                      | branch-target",
                "(S)V     | 1 0 | goto 100; return                                    | branch-target",
                "()V      | 1 1 | jsr a; return; a: astore_0; ret 0                   | ok",
                "(S)V     | 1 1 | jsr a; jsr a; return; a: astore_1; sinc 0 1; ret 1  | ok",
                "()V      | 2 1 | jsr a; return; a: sconst_0; sstore_0; pop; ret 0    | local-type",
                "()V      | 1 1 | jsr a; return; a: pop; sconst_0; sstore_0; ret 0    | local-type",
                "()V      | 2 1 | a: jsr a; return                                    | subroutine",
            })
    void staticMethods(String type, String figures, String code, String rule) {
        String[] sizes = figures.trim().split(" ");
        check(pack(PUBLIC | STATIC, type.trim(), Integer.parseInt(sizes[0]), Integer.parseInt(sizes[1]), code), rule);
    }

    @ParameterizedTest(name = "{2}: {1}")
    @CsvSource(
            delimiter = '|',
            value = {
                "()S | getfield_s_this 3; sreturn                         | ok",
                "()V | sconst_1; putfield_s_this 3; return                | ok",
                "()V | aconst_null; astore_0; getfield_s_this 3; pop; return | this-form",
                "()V | aload_0; invokespecial 13; return                  | ok",
                "()S | aload_0; aconst_null; invokespecial 18; sreturn    | ok",
                "(L000E;)S | aload_1; getfield_s 14; sreturn              | access-private",
                "()V | aload_0; invokespecial 8; return                   | cp-kind",
                "()L0000; | aload_0; areturn                              | ok",
            })
    void instanceMethods(String type, String code, String rule) {
        check(pack(PUBLIC, type.trim(), 3, 1, code), rule);
    }

    @ParameterizedTest(name = "{1}: {0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "aload_0; invokespecial 0; return                               | ok",
                "aload_0; invokespecial 2; return                               | ok",
                "return                                                         | uninitialised",
                "aload_0; sconst_1; putfield_s 3; aload_0; invokespecial 0; return | ok",
                "aload_0; getfield_s 3; pop; aload_0; invokespecial 0; return   | stack-type",
                "aload_0; invokespecial 0; aload_0; getfield_s 3; pop; return   | ok",
                "aload_0; putstatic_a 6; return                                 | stack-type",
                "aload_0; invokespecial 24; return                              | uninitialised",
                "aconst_null; astore_0; return                                  | uninitialised",
            })
    void constructors(String code, String rule) {
        check(pack(PUBLIC | INIT, "()V", 3, 0, code), rule);
    }

    @Test
    void everyInstructionIsFollowed() {
        for (int value = 0; value <= 184; value++) {
            Opcode opcode = Opcodes.of(value).orElseThrow();
            String operands =
                    switch (opcode.operands()) {
                        case Opcodes.TABLESWITCH -> " 0 0 0 0";
                        case Opcodes.LOOKUPSWITCH -> " 0 0";
                        default -> " 0".repeat(opcode.operands().length());
                    };
            List<String> rules = rules(pack(PUBLIC, "()V", 8, 8, opcode.mnemonic() + operands + "; return"));
            assertTrue(rules.stream().noneMatch(rule -> rule.startsWith("opcode:")), rules::toString);
        }
    }

    @Test
    void handlersTakeTheLocalsOfTheirWholeRange() {
        String code = "a: sconst_0; sstore_0; b: return; h: pop; sload_0; pop; return";
        TestPackage bad = pack(PUBLIC | STATIC, "()V", 1, 1, code);
        bad.types.get(0).methods.get(4).handler("a", "b", "h", 0);
        check(bad, "local-type");
        TestPackage good = pack(PUBLIC | STATIC, "(S)V", 1, 0, code);
        good.types.get(0).methods.get(4).handler("a", "b", "h", 10);
        check(good, "ok");
    }

    @Test
    void aHandlerCatchesThrowablesOnly() {
        TestPackage p = pack(PUBLIC | STATIC, "()V", 1, 0, "a: nop; b: return; h: pop; return");
        p.types.get(0).methods.get(4).handler("a", "b", "h", 22);
        check(p, "handler-type");
    }

    @Test
    void nestedHandlersAreSound() {
        TestPackage p = pack(
                PUBLIC | STATIC,
                "()V",
                1,
                1,
                "a: nop; b: nop; c: return; h: astore_0; aload_0; athrow; i: pop; return");
        p.types.get(0).methods.get(4).handler("a", "b", "h", 10).handler("a", "c", "i", 0);
        check(p, "ok");
    }

    @Test
    void protectedMembersNeedASubclass() {
        check(pack(PUBLIC | STATIC, "(L8003;)V", 1, 0, "aload_0; invokevirtual 15; return"), "access-protected");
    }

    @Test
    void withoutExportFilesOnlyNotesRemain() {
        TestPackage p = pack(PUBLIC | STATIC, "(L8006;S)S", 2, 0, "aload_0; sload_1; invokeinterface 2 11 0; sreturn");
        List<Finding> findings = Verifier.verify(p.build(), Exports.NONE);
        assertTrue(findings.stream().allMatch(finding -> finding.severity() == Severity.NOTE), findings::toString);
        assertEquals(
                List.of("import-unresolved", "import-unresolved", "not-followed"),
                findings.stream().map(Finding::rule).toList());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "iconst_0; pop2",
                "bipush 5; pop2",
                "sipush 500; pop2",
                "iipush 70000; pop2",
                "sconst_0; s2i; pop2"
            })
    void intNeedsItsHeaderFlag(String code) {
        TestPackage p = pack(PUBLIC | STATIC, "()V", 2, 0, code + "; return");
        p.headerFlags = 0;
        check(p, "acc-int");
    }
}

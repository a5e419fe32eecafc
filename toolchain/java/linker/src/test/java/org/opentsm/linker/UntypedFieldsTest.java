// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Fields that only code touches which nothing leads to, in packages that come without Descriptor. */
class UntypedFieldsTest {
    private static LinkedPackage link(String members) {
        return new Workshop(false)
                .add(
                        "a",
                        "F000000007",
                        false,
                        Map.of("F00000000701", "a.A"),
                        "package a; import javacard.framework.*; public class A extends Applet { " + members
                                + " public static void install(byte[] p, short o, byte l) { new A().register(); }"
                                + " public void process(APDU apdu) { } }");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "private OwnerPIN pin; private void make() { pin = new OwnerPIN((byte) 3, (byte) 8); }",
                "private Object o; private void clear() { o = null; }",
                "byte[] x; byte[] y; private void swap() { y = x; }",
                "short n; byte[] x; boolean b; private short all() { return b ? n : x[0]; }",
                "static class B { byte[] f; B(byte[] x) { f = x; } }"
                        + " private B b; private static void helper(B x) { x.f[0] = 1; }"
            })
    void mayBeReferences(String members) {
        assertTrue(link(members).inferred());
    }

    @Test
    void mayBeReferencesOfALibrary() {
        Workshop shop = new Workshop(false);
        LinkedPackage made = shop.add(
                "lib",
                "F000000002",
                false,
                Map.of(),
                "package lib; public class Store { private Object kept; public Store() { }"
                        + " private void keep(Object o) { kept = o; } public short one() { return 1; } }");
        assertTrue(made.inferred());
    }
}

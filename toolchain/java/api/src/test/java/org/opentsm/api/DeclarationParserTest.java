// SPDX-License-Identifier: Apache-2.0
package org.opentsm.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeclarationParserTest {
    private static ApiPackage parse(String... lines) {
        return new DeclarationParser("x.api").parse(List.of(lines));
    }

    @Test
    void readsClassesMembersAndVersions() {
        ApiPackage one = parse(
                "# comment",
                "package a/b F000000001",
                "versions 1.2 1.0",
                "",
                "class 3 abstract final C extends d/E implements f/G f/H @1.2",
                "  virtual 4 protected final m ([BS)V",
                "  const short K -5 @1.3",
                "interface 0 shareable I",
                "  method 0 n ()Z");
        assertEquals(
                List.of("a/b/I", "a/b/C"),
                one.classes().stream().map(ApiClass::name).toList());
        ApiClass c = one.classes().get(1);
        assertEquals(
                List.of("d/E", "f/G,f/H", "1.2"),
                List.of(
                        c.superName(),
                        String.join(",", c.interfaces()),
                        c.since().toString()));
        assertEquals(0x0401 | 0x0010, c.flags());
        ApiMember m = c.declared().get(0);
        assertEquals(List.of("m", "([BS)V", 4, 0x0014), List.of(m.name(), m.descriptor(), m.token(), m.flags()));
        assertEquals(new Version(1, 2), m.since());
        assertEquals(-5, c.declared().get(1).constant());
        assertEquals(0x0E01, one.classes().get(0).flags());
        assertEquals(new Version(1, 2), one.newest());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "frob 1 m ()V",
                "const text T 1",
                "const byte B one",
                "virtual x m ()V",
                "virtual 1 m",
                "class 1 C because D",
                "package p 01"
            })
    void namesFileAndLineOfWhatItCannotRead(String line) {
        ApiException error = assertThrows(
                ApiException.class, () -> parse("package p F000000001", "versions 1.0", "class 0 A", line));
        assertTrue(error.getMessage().startsWith("x.api line 4: "), error.getMessage());
    }
}

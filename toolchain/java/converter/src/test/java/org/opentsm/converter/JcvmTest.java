// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Field;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.opentsm.cap.Opcodes;

/** The opcodes that the translator names are those of the instruction table that reader, verifier and linker use. */
class JcvmTest {
    /** A distance between families, not an opcode. */
    private static final Set<String> NO_OPCODES = Set.of("WIDE_BRANCH");

    @Test
    void namesAreThoseOfTheInstructionTable() throws IllegalAccessException {
        int compared = 0;
        for (Field field : Jcvm.class.getDeclaredFields()) {
            if (field.getType() == int.class && !NO_OPCODES.contains(field.getName())) {
                assertEquals(
                        Opcodes.byName(field.getName().toLowerCase(Locale.ROOT)).value(),
                        field.getInt(null),
                        field.getName());
                compared++;
            }
        }
        assertTrue(compared > 80, "compared " + compared);
    }
}

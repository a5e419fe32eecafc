// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.card;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.opentsm.simulator.open.Aids;
import org.opentsm.simulator.open.RegistryEntry;

/** GET STATUS as OPEN answers it: subsets, formats, tag lists, and what does not fit into one answer. */
class StatusTest extends OpenCard {

    private String getStatus(int p1, int p2, String data) {
        return manage(ISSUER, 0xF2, p1, p2, data);
    }

    /** Entries of all answers, put together. */
    private String all(int p1, String data) {
        StringBuilder found = new StringBuilder();
        String answer = getStatus(p1, 0x02, data);
        while (answer.endsWith("+")) {
            found.append(answer, 0, answer.length() - 1);
            answer = getStatus(p1, 0x03, data);
        }
        return found.append(answer).toString();
    }

    @Test
    void limitsAnEntryToTheTagsAskedFor() {
        install(INSTANCE);
        assertEquals("E30D4F07" + INSTANCE + "9F700107", getStatus(0x40, 0x02, "4F05" + ELF + "5C034F9F70"));
        assertEquals("E309" + "4F07" + INSTANCE, getStatus(0x40, 0x02, "4F05" + ELF + "5C034FDF01"));
        assertEquals("E30CC503000000C405" + ELF, getStatus(0x40, 0x02, "4F05" + ELF + "5C02C5C4"));
        String withCriteria = getStatus(0x40, 0x02, "4F05" + ELF + "9F700103");
        assertTrue(withCriteria.contains(INSTANCE), "a criterion that is not known is ignored");
    }

    @Test
    void answersInTheOldFormat() {
        install(INSTANCE);
        assertEquals("07" + INSTANCE + "0700", getStatus(0x40, 0x00, "4F05" + ELF));
        assertEquals("05" + ELF + "0100" + "01" + "06" + MODULE, getStatus(0x10, 0x00, "4F05" + ELF));
    }

    @Test
    void listsManyModulesOverSeveralAnswers() {
        RegistryEntry elf = RegistryEntry.loadFile(Aids.aid("F0000000AA"), ISSUER, new byte[] {1, 2});
        StringBuilder modules = new StringBuilder();
        for (int i = 0; i < 14; i++) {
            String module = String.format("F0000000AA%022X", i);
            elf.modules.put(module, "none");
            modules.append("8410").append(module);
        }
        card.registry().add(elf);
        String whole = all(0x10, "4F05F0000000AA");
        assertTrue(whole.startsWith("E382"), whole);
        assertTrue(whole.contains("CE020102" + modules + "CC08"), whole);
        assertEquals(Integer.parseInt(whole.substring(4, 8), 16), whole.length() / 2 - 4);
    }

    @Test
    void goesOnOnlyWhereAFirstAnswerLeftMore() {
        for (int i = 0; i < 12; i++) {
            install(String.format("F0000000010A%04X", i));
        }
        assertStatus(0x6985, () -> getStatus(0x40, 0x03, "4F00"));
        assertTrue(getStatus(0x40, 0x02, "4F00").endsWith("+"));
        assertStatus(0x6985, () -> getStatus(0x20, 0x03, "4F00"));
        assertTrue(getStatus(0x40, 0x02, "4F00").endsWith("+"));
        install("F0000000010B0000");
        manage(ISSUER, 0xF0, 0x40, 0x80, "F0000000010B0000");
        assertStatus(0x6985, () -> getStatus(0x40, 0x03, "4F00"));
        assertStatus(0x6985, () -> getStatus(0x80, 0x03, "4F00"));
        String whole = all(0x40, "4F06F0000000010A");
        assertEquals(12, whole.split("4F08F0000000010A", -1).length - 1);
    }

    @Test
    void refusesWhatIsOutOfForm() {
        for (int p1 : new int[] {0x00, 0xC0, 0x30, 0x60}) {
            assertStatus(0x6A86, () -> getStatus(p1, 0x02, "4F00"));
        }
        assertStatus(0x6A86, () -> getStatus(0x40, 0x04, "4F00"));
        for (String wrong : List.of("", "4F01", "4E00", "4F004F00", "4F11" + "A0".repeat(17))) {
            assertStatus(0x6A80, () -> getStatus(0x40, 0x02, wrong));
        }
        assertStatus(0x6A88, () -> getStatus(0x40, 0x02, "4F02F099"));
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.SimulatorException;

class FileTreeTest {

    private static final byte[] ICCID = new byte[10];
    private static final byte[] DIRECTORY = Hex.decode("82027821" + "83025F01" + "8A0105" + "8B032F0601" + "81020010");
    private static final byte[] FILE =
            Hex.decode("82024121" + "83026F29" + "8A0105" + "8B032F0601" + "80020003" + "8800");

    private static FileTree fresh() {
        FileTree tree = StandardFiles.whole(ICCID, List.of());
        tree.live(tree.memory());
        return tree;
    }

    @Test
    void memoryOfOtherFilesIsRefused() {
        FileMemory other = StandardFiles.identity(ICCID).memory();
        SimulatorException refused = assertThrows(SimulatorException.class, () -> StandardFiles.whole(ICCID, List.of())
                .live(other));
        assertEquals("state-mismatch", refused.code());
    }

    @Test
    void anotherCardsTreeReadsWhatWasMade() {
        FileTree tree = StandardFiles.whole(ICCID, List.of());
        FileMemory memory = tree.memory();
        tree.live(memory);
        CardFile directory = tree.make(tree.master(), DIRECTORY);
        tree.make(directory, FILE).write(0, new byte[] {1, 2, 3});
        FileTree again = StandardFiles.whole(ICCID, List.of());
        again.live(memory);
        CardFile read = again.child(again.child(again.master(), 0x5F01), 0x6F29);
        assertEquals("010203", Hex.encode(read.body()));
        assertEquals(read.number, again.at(read.number).number);
    }

    /** Power may end between the write that takes a directory away and those for what was in it. */
    @Test
    void whatStoodInALostDirectoryDoesNotComeBack() {
        FileTree tree = StandardFiles.whole(ICCID, List.of());
        FileMemory memory = tree.memory();
        tree.live(memory);
        CardFile directory = tree.make(tree.master(), DIRECTORY);
        CardFile inside = tree.make(directory, FILE);
        memory.life(directory.number, FileMemory.ABSENT);
        assertEquals(tree.master(), tree.at(inside.number));
        CardFile next = tree.make(tree.master(), DIRECTORY);
        assertEquals(directory.number, next.number);
        assertNull(tree.child(next, 0x6F29));
    }

    @Test
    void filesHaveAnEnd() {
        FileTree tree = fresh();
        int made = 0;
        FileFault full = null;
        while (full == null && made < 1000) {
            byte[] parameters = FILE.clone();
            parameters[6] = (byte) (0x20 + made / 256);
            parameters[7] = (byte) made;
            try {
                tree.make(tree.master(), parameters);
                made++;
            } catch (FileFault fault) {
                full = fault;
            }
        }
        assertEquals(FileFault.Reason.NOT_ENOUGH_MEMORY, full.reason);
        assertTrue(made >= 100, "made " + made);
    }

    @Test
    void rulesOfEachFormAreRead() {
        FileTree tree = fresh();
        CardFile file = tree.make(tree.master(), FILE);
        AccessDomain always = new AccessDomain(new byte[] {2, 0, 0, 4});
        AccessDomain pin = new AccessDomain(new byte[] {2, 1, 0, 0});
        file.under(Hex.decode("AB0A80010190008001029700"));
        assertTrue(AccessRules.allow(tree, file, FilePlace.READ, always));
        assertFalse(AccessRules.allow(tree, file, FilePlace.UPDATE, AccessDomain.ALL));
        assertFalse(AccessRules.allow(tree, file, FilePlace.DEACTIVATE, AccessDomain.ALL), "no rule speaks of it");
        file.under(Hex.decode("8C0303FF00"));
        assertFalse(AccessRules.allow(tree, file, FilePlace.UPDATE, AccessDomain.ALL));
        assertTrue(AccessRules.allow(tree, file, FilePlace.READ, always));
        assertFalse(AccessRules.allow(tree, file, FilePlace.READ, pin));
        String[] brokenOnes = {"8B022F06", "8B032F0663", "8B03AC0001", "AB038001", "AB00", "8C00", "8D00"};
        for (String broken : brokenOnes) {
            file.under(Hex.decode(broken));
            assertFalse(AccessRules.allow(tree, file, FilePlace.READ, AccessDomain.ALL), broken);
        }
    }
}

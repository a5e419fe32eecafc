// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.card;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The card has every class and member of the declared API but for those that the README names. */
class ApiTableTest {

    @Test
    void theReadmeHoldsTheListOfNow() throws IOException {
        String readme = Files.readString(Path.of("../README.md"));
        assertEquals(ApiTable.inserted(readme), readme, "run ApiTable, its comment says how");
    }

    @Test
    void nothingIsMissing() {
        String table = ApiTable.table();
        assertTrue(table.endsWith("none is missing.\n"), table);
    }

    @Test
    void aMemberThatIsNotThereIsSeen() {
        assertFalse(ApiTable.has("javacard/framework/JCSystem", "makeByteArrayView([B)[B"));
        assertFalse(ApiTable.has("javacard/framework/NoSuchClass", "any()V"));
        assertTrue(ApiTable.has("javacard/framework/JCSystem", "isArrayView(Ljava/lang/Object;)Z"));
    }
}

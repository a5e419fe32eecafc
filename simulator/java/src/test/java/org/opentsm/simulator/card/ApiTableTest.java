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
    void nothingOfToolkitAndGlobalPlatformIsMissing() {
        String table = ApiTable.table();
        for (String name : new String[] {"uicc.", "sim.", "org.globalplatform"}) {
            assertFalse(table.contains(name), table);
        }
        assertTrue(table.contains("makeByteArrayView"), "what is missing is seen");
    }
}

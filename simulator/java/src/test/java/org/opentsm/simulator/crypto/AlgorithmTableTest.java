// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The README says which algorithms are there. */
class AlgorithmTableTest {

    @Test
    void theReadmeHoldsTheTableOfNow() throws IOException {
        String readme = Files.readString(Path.of("../README.md"));
        assertEquals(AlgorithmTable.inserted(readme), readme, "run AlgorithmTable, its comment says how");
        assertTrue(
                readme.contains("KOREAN_SEED_CBC_NOPAD") && readme.contains("BRAINPOOLP512R1"), "it is no empty table");
    }
}

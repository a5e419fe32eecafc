// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.opentsm.simulator.Hex;

class DataObjectsTest {

    private static int tag(String bytes) {
        return DataObjects.tagLength(Hex.decode(bytes), 0);
    }

    @Test
    void tagsHaveOneToThreeBytes() {
        assertEquals(1, tag("80"));
        assertEquals(1, tag("BE"));
        assertEquals(2, tag("9F1F"));
        assertEquals(2, tag("BF7FFF"));
        assertEquals(3, tag("9F8100"));
        assertEquals(3, tag("BFFF7F"));
        for (String none : new String[] {"", "00", "FF", "9F", "9F80", "9F8001", "9F81", "9F8181", "9F818101"}) {
            assertEquals(0, tag(none), none);
        }
        assertFalse(DataObjects.isTag(Hex.decode("5C")), "the list's");
        assertFalse(DataObjects.isTag(Hex.decode("8081")), "two");
    }

    @Test
    void lengthsAreDer() {
        for (int length : new int[] {0, 1, 127, 128, 255, 256, 65_535, 65_536, 16_777_215}) {
            byte[] header = DataObjects.header(new byte[] {(byte) 0x80}, length);
            assertEquals(header.length - 1, DataObjects.lengthLength(header, 1), "" + length);
            assertEquals(length, DataObjects.length(header, 1));
        }
        for (String none : new String[] {"", "80", "81", "817F", "8200FF", "82FF", "8300FFFF", "8401000000", "FF"}) {
            assertEquals(0, DataObjects.lengthLength(Hex.decode(none), 0), none);
        }
    }

    @Test
    void objectsAreFoundAndTakenOut() {
        byte[] row = Hex.decode("8001AA" + "9F810101BB" + "A100");
        assertTrue(DataObjects.isRow(row));
        assertArrayEquals(Hex.decode("809F8101A1"), DataObjects.tags(row));
        assertEquals(3, DataObjects.split(DataObjects.tags(row)).size());
        assertArrayEquals(Hex.decode("9F810101BB"), DataObjects.find(row, Hex.decode("9F8101")));
        assertNull(DataObjects.find(row, Hex.decode("BB")), "a value is no object");
        assertArrayEquals(Hex.decode("8001AAA100"), DataObjects.without(row, Hex.decode("9F8101")));
        for (String none : new String[] {"80", "8002AA", "80008000", "5C00", "800000"}) {
            assertFalse(DataObjects.isRow(Hex.decode(none)), none);
        }
    }

    @Test
    void anyBytesAreReadToAnEnd() {
        Random random = new Random(7);
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = new byte[random.nextInt(12)];
            random.nextBytes(bytes);
            byte[] tag = {bytes.length > 0 ? bytes[0] : 0};
            byte[] found = DataObjects.find(bytes, tag);
            assertTrue(found == null || found.length + DataObjects.without(bytes, tag).length == bytes.length);
            if (DataObjects.isRow(bytes)) {
                DataObjects.split(DataObjects.tags(bytes))
                        .forEach(known -> assertTrue(DataObjects.find(bytes, known).length > 1));
            }
        }
    }
}

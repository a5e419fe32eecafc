// SPDX-License-Identifier: Apache-2.0
package org.opentsm.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Kit folders in the spellings of the vendor, of ant-javacard and of people. */
class KitNameTest {
    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource({
        "java_card_kit-2_1_1, 2.1.1",
        "java_card_kit-2_1_2, 2.1.2",
        "java_card_kit-2_2, 2.2.1",
        "java_card_kit-2_2_01, 2.2.1",
        "ext/java_card_kit-2_2_1, 2.2.1",
        "ext/java_card_kit-2_2_2/, 2.2.2",
        "java_card_kit-2_2_2-rr-bin-linux-do, 2.2.2",
        "java_card_kit-3_0_1, 3.0.1",
        "java_card_kit-3_0_2, 3.0.1",
        "java_card_kit-3_0_3, 3.0.1",
        "JCDK3.0.4_ClassicEdition, 3.0.4",
        "java_card_kit-classic-3_0_4-rr-bin-windows-do, 3.0.4",
        "C:\\Program Files\\Oracle\\Java Card Development Kit 3.0.5u3, 3.0.5",
        "jcdk3.0.5_ri, 3.0.5",
        "java_card_simulator-3_1_0-u5-win-bin-b_79-11_jul_2021, 3.1",
        "java_card_tools-win-bin-b_17-06_jul_2021, 3.1",
        "java_card_tools-linux-bin-v3.1.0, 3.1",
        "java_card_devkit_tools-bin-v24.0-b_50-19_apr_2024, 3.2",
        "java_card_devkit_tools-bin-v24.1, 3.2",
        "java_card_devkit_simulator-linux-bin-v25.1-b_627, 3.2",
        "jc211_kit, 2.1.1",
        "jc212_kit, 2.1.2",
        "jc221_kit, 2.2.1",
        "sdks/jc222_kit, 2.2.2",
        "jc303_kit, 3.0.1",
        "jc304_kit, 3.0.4",
        "jc305u1_kit, 3.0.5",
        "oracle_javacard_sdks/jc305u4_kit, 3.0.5",
        "jc310b43_kit, 3.1",
        "jc310r20210706_kit, 3.1",
        "jc320v24.0_kit, 3.2",
        "jc320v25.1_kit, 3.2",
        "jc22, 2.2.1",
        "2.1.2, 2.1.2",
        "3.0.5u3, 3.0.5",
        "3.1, 3.1",
        "3.1.0, 3.1",
        "3.2, 3.2",
        "3.2.0, 3.2",
        "kit-2.2.1, 2.2.1",
        "JCDK-304, 3.0.4",
        "javacard222, 2.2.2"
    })
    void tells(String name, String level) {
        assertEquals(Optional.of(level), KitName.level(name));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "kit",
                "newest",
                "9.9.9",
                "jc999_kit",
                "jc400_kit",
                "java_card_kit-2_3_1",
                "3.0.4/kit",
                "jc306_kit",
                "1.0.2",
                "sdk-1.2.3.4",
                "kit2021",
                "java_card_devkit_tools-bin-v99.0",
                "2",
                "22",
                "v24",
                "jcdk",
                "3.3",
                "20240610",
                "12.2.1",
                "3.0.44"
            })
    void isAskedWhatItMeansInsteadOfGuessing(String name) {
        assertEquals(Optional.empty(), KitName.level(name));
    }

    @Test
    void namesEveryLevelInItsHelp() {
        ApiLevel.NAMES.forEach(level -> assertTrue(KitName.KNOWN.contains(level), KitName.KNOWN));
    }
}

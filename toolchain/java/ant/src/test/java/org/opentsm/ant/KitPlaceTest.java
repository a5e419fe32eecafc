// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.apache.tools.ant.BuildException;
import org.apache.tools.ant.Project;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which kit's level a build has: the property jc.home, the attribute jckit, the variable JC_HOME, in this order. */
class KitPlaceTest {
    private static CapPlan plan(String property, String cap, String task, String variable, String targetsdk) {
        Project project = new Project();
        if (property != null) {
            project.setProperty("jc.home", property);
        }
        CapElement element = new CapElement();
        element.setProject(project);
        element.jckit = cap;
        element.targetsdk = targetsdk;
        element.packageName = "p";
        element.aid = "0x1:0x2:0x3:0x4:0x5";
        return CapPlan.of(element, task, variable == null ? Map.of() : Map.of("JC_HOME", variable));
    }

    @ParameterizedTest(name = "jc.home {0}, cap {1}, task {2}, JC_HOME {3}, targetsdk {4}: {5}")
    @CsvSource({
        "jc211_kit, jc221_kit, jc222_kit, jc304_kit,       , 2.1.1",
        "         , jc221_kit, jc222_kit, jc304_kit,       , 2.2.1",
        "         ,          , jc222_kit, jc304_kit,       , 2.2.2",
        "         ,          ,          , jc304_kit,       , 3.0.4",
        "         ,          ,          , /opt/java_card_kit-2_2_2/, , 2.2.2",
        "${kit}   , ${kit}   , ${kit}   , jc305u3_kit,     , 3.0.5",
        "jc211_kit, jc221_kit, jc222_kit, jc304_kit, 3.1.0, 3.1",
        "mine     , mine     , mine     , mine     , 2.2.2, 2.2.2",
        "         ,          ,          ,          ,       , 3.0.4",
        "         ,          ,          , /opt/kit ,       , 3.0.4",
        "         ,          ,          , /opt/kit , 2.2.2 , 2.2.2",
        "         ,          , jc222_kit, /opt/kit ,       , 2.2.2",
    })
    void theFirstNamedDecidesUnlessTheTargetDoes(
            String property, String cap, String task, String variable, String targetsdk, String level) {
        assertEquals(
                level, plan(property, cap, task, variable, targetsdk).level().name());
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"jc.home, mine, ", "jckit, , mine"})
    void aNameThatTellsNoLevelIsAnErrorThatSaysWhereItStands(String where, String property, String cap) {
        BuildException error = assertThrows(BuildException.class, () -> plan(property, cap, null, "jc222_kit", null));
        assertTrue(error.getMessage().startsWith(where + " 'mine' names no Java Card level"), error.getMessage());
    }

    @Test
    void anEmptyVariableIsNone() {
        assertEquals("3.0.4", plan(null, null, null, " ", null).level().name());
    }
}

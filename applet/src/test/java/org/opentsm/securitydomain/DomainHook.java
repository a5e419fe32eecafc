// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import com.licel.jcardsim.base.Simulator;
import com.licel.jcardsim.base.SimulatorRuntime;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import javacard.framework.AID;
import javacard.framework.Applet;

/** Reaches the applet object behind an AID of a plain card. */
final class DomainHook {

    private DomainHook() {}

    static Applet applet(PlainCard card, String name) throws Exception {
        byte[] aid = PlainCard.bytes(name);
        Field field = Simulator.class.getDeclaredField("runtime");
        field.setAccessible(true);
        Method method = SimulatorRuntime.class.getDeclaredMethod("getApplet", AID.class);
        method.setAccessible(true);
        return (Applet) method.invoke(field.get(card.simulator), new AID(aid, (short) 0, (byte) aid.length));
    }
}

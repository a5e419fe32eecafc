// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.hostile;

import javacard.framework.APDU;
import javacard.framework.Applet;

/** An applet that ends after all the ways through a full stack, which is never. */
public class Recursive extends Applet {

    public static void install(byte[] parameters, short offset, byte length) {
        new Recursive().register();
    }

    @Override
    public void process(APDU apdu) {
        if (!selectingApplet()) {
            twice();
        }
    }

    private static void twice() {
        try {
            twice();
        } finally {
            twice();
        }
    }
}

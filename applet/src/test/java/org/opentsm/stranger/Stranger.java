// SPDX-License-Identifier: Apache-2.0
package org.opentsm.stranger;

import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.Shareable;

/** An application of somebody else's that answers every parameter with an interface that nobody asked for. */
public final class Stranger extends Applet implements Shareable {

    public static void install(byte[] parameters, short offset, byte length) {
        new Stranger().register(parameters, (short) (offset + 1), parameters[offset]);
    }

    @Override
    public Shareable getShareableInterfaceObject(AID client, byte parameter) {
        return this;
    }

    @Override
    public void process(APDU apdu) {
        if (!selectingApplet()) {
            ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
        }
    }
}

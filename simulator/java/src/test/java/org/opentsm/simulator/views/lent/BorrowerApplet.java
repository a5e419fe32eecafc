// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.views.lent;

import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.Shareable;

/** Does what its client asks with the client's arrays. */
public class BorrowerApplet extends Applet implements Borrower {

    private byte[] kept;

    public static void install(byte[] parameters, short offset, byte length) {
        new BorrowerApplet().register();
    }

    @Override
    public void process(APDU apdu) {
        // It only lends.
    }

    @Override
    public Shareable getShareableInterfaceObject(AID client, byte parameter) {
        return this;
    }

    @Override
    public byte read(byte[] array, short index) {
        return array[index];
    }

    @Override
    public void write(byte[] array, short index, byte value) {
        array[index] = value;
    }

    @Override
    public void keep(byte[] array) {
        kept = array;
    }
}

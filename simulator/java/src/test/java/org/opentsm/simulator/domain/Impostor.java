// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.domain;

import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.Shareable;
import org.globalplatform.Application;
import org.opentsm.securitydomain.PersonalizationTarget;

/**
 * Offers what a domain of the domains' package offers its parent, and counts what it gets that way, and as an
 * application.
 */
public class Impostor extends Applet implements PersonalizationTarget, Application {

    private byte asDomain;
    private byte asApplication;

    public static void install(byte[] parameters, short offset, byte length) {
        new Impostor().register(parameters, (short) (offset + 1), parameters[offset]);
    }

    @Override
    public Shareable getShareableInterfaceObject(AID client, byte parameter) {
        return this;
    }

    @Override
    public short personalize(
            byte ins,
            byte p1,
            byte p2,
            byte[] buffer,
            short offset,
            short length,
            byte[] response,
            short responseOffset) {
        asDomain++;
        return 0;
    }

    @Override
    public void processData(byte[] buffer, short offset, short length) {
        asApplication++;
    }

    /** Any command but SELECT: how often it got something as a domain, and as an application. */
    @Override
    public void process(APDU apdu) {
        if (selectingApplet()) {
            return;
        }
        byte[] buffer = apdu.getBuffer();
        buffer[0] = asDomain;
        buffer[1] = asApplication;
        apdu.setOutgoingAndSend((short) 0, (short) 2);
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import javacard.framework.AID;
import org.opentsm.simulator.Hex;

/** Names that the card's own parts have, and how bytes become a name. */
public final class Aids {

    public static final AID OPEN = aid("F06F70656E74736D00");
    /** Load file of the security domains; a card image may bring another of this AID. */
    public static final String DOMAIN_PACKAGE = "F06F70656E74736D01";

    public static final String ISSUER_MODULE = DOMAIN_PACKAGE + "01";
    public static final String SUPPLEMENTARY_MODULE = DOMAIN_PACKAGE + "02";
    public static final String CONTROLLING_MODULE = DOMAIN_PACKAGE + "03";

    private Aids() {}

    public static AID aid(String hex) {
        return aid(Hex.decode(hex));
    }

    public static AID aid(byte[] bytes) {
        return new AID(bytes, (short) 0, (byte) bytes.length);
    }
}

// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.ISOException;

/** The refusals that stand in many places, a call each instead of a number and a call. */
final class Refuse {

    private Refuse() {}

    /** 6A88: there is no such thing. */
    static void notFound() {
        ISOException.throwIt(Gp.SW_NOT_FOUND);
    }

    /** 6985: not now, or not by this peer. */
    static void conditions() {
        ISOException.throwIt(Gp.SW_CONDITIONS);
    }

    /** 6A86. */
    static void parameters() {
        ISOException.throwIt(Gp.SW_WRONG_P1P2);
    }

    /** 6982: not without a session, or not in this one. */
    static void security() {
        ISOException.throwIt(Gp.SW_SECURITY_STATUS);
    }

    /** 6A80: data out of form. */
    static void data() {
        ISOException.throwIt(Gp.SW_WRONG_DATA);
    }
}

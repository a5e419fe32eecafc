// SPDX-License-Identifier: Apache-2.0
package javacard.framework;

/** What a card's runtime does with its APDU object, and no applet. */
public final class ApduAccess {

    private ApduAccess() {}

    /** The array that getBuffer() gives out from now on. */
    public static void setBuffer(APDU apdu, byte[] buffer) {
        apdu.setBuffer(buffer);
    }

    /** Zeros the whole buffer: it goes to another applet, or to one that is selected, JCRE 3.0.4 6.2.2. */
    public static void clear(APDU apdu) {
        apdu.clear();
    }

    /**
     * Begins a command, or ends one with a null form.
     *
     * @param extended true when the applet takes extended length
     * @param early    true when data that fits is in the buffer before it is received
     */
    public static void begin(APDU apdu, byte protocol, ApduForm form, boolean extended, boolean early) {
        apdu.begin(protocol, form, extended, early);
    }
}

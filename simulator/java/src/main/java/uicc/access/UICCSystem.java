// SPDX-License-Identifier: Apache-2.0
package uicc.access;

import java.util.Arrays;
import javacard.framework.AID;
import org.opentsm.simulator.toolkit.CardFileView;

/** Gives applets their views of the files; ETSI TS 102 241 annex A. */
public class UICCSystem {

    private UICCSystem() {}

    /** @param event when the view forgets its place: CLEAR_ON_RESET, CLEAR_ON_DESELECT, or never */
    public static FileView getTheUICCView(byte event) {
        return CardFileView.of(null, event);
    }

    /** @return null when the card has no application of this name */
    public static FileView getTheFileView(AID application, byte event) {
        byte[] name = new byte[16];
        byte length = application.getBytes(name, (short) 0);
        return CardFileView.of(Arrays.copyOf(name, length), event);
    }

    /**
     * @return null when the card has no application of this name
     * @throws javacard.framework.SystemException ILLEGAL_VALUE for a name that is no AID
     */
    public static FileView getTheFileView(byte[] buffer, short offset, byte length, byte event) {
        return CardFileView.of(CardFileView.name(buffer, offset, length), event);
    }
}
